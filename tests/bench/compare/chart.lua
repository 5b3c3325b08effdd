-- SPDX-License-Identifier: MIT
-- chart.lua: bars in groups, as SVG.

local chart = {}

local COLOURS = { "#1b6ca8", "#63b7e6", "#b0b0b0", "#6b6b6b", "#d9a441" }
local WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 360, 70, 60, 50

local function escape(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

-- The next round number that is not below (value).
local function round_up(value)
  local power = 10 ^ math.floor(math.log(math.max(value, 1), 10))
  for _, factor in ipairs { 1, 1.5, 2, 3, 4, 5, 6, 8, 10 } do
    if value <= factor * power then return factor * power end
  end
  return 10 * power
end

-- spec: title, groups (names), series (names), values[group][series], form.
function chart.bars(spec)
  local most = 0
  for _, row in ipairs(spec.values) do
    for _, value in ipairs(row) do most = math.max(most, value) end
  end
  local top = round_up(most)
  local plot = HEIGHT - TOP - BOTTOM
  local out = {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">')
      :format(WIDTH, HEIGHT),
    ('<rect width="%d" height="%d" fill="white"/>'):format(WIDTH, HEIGHT),
    ('<text x="%d" y="20" font-size="15" font-weight="bold">%s</text>'):format(LEFT, escape(spec.title)),
  }
  local function add(form, ...) out[#out + 1] = form:format(...) end
  for i = 0, 4 do
    local y = TOP + plot - plot * i / 4
    add('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>', LEFT, WIDTH - 10, y, y)
    add('<text x="%d" y="%.1f" text-anchor="end">%.0f</text>', LEFT - 6, y + 4, top * i / 4)
  end
  local x = LEFT
  for j, name in ipairs(spec.series) do
    add('<rect x="%d" y="32" width="10" height="10" fill="%s"/>', x, COLOURS[(j - 1) % #COLOURS + 1])
    add('<text x="%d" y="41">%s</text>', x + 14, escape(name))
    x = x + 30 + 7 * #name
  end
  local group = (WIDTH - 10 - LEFT) / #spec.groups
  local bar = group * 0.8 / #spec.series
  for i, label in ipairs(spec.groups) do
    local left = LEFT + group * (i - 1) + group * 0.1
    for j, value in ipairs(spec.values[i]) do
      local height = plot * value / top
      add('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>', left + bar * (j - 1),
        TOP + plot - height, bar - 2, height, COLOURS[(j - 1) % #COLOURS + 1])
      add('<text x="%.1f" y="%.1f" text-anchor="middle" font-size="10">%s</text>',
        left + bar * (j - 0.5), TOP + plot - height - 3, (spec.form or "%.0f"):format(value))
    end
    add('<text x="%.1f" y="%d" text-anchor="middle">%s</text>', left + group * 0.4, HEIGHT - BOTTOM + 18,
      escape(label))
  end
  out[#out + 1] = "</svg>\n"
  return table.concat(out, "\n")
end

return chart
