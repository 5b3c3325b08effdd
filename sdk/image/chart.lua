-- SPDX-License-Identifier: MIT
-- chart.lua: sizes as bars for a terminal and as a treemap for a page.

local text = require "util.text"

local chart = {}

local WIDTH = 40

-- Bars for a list of { name, size }.
function chart.bars(parts)
  local largest, total = 1, 0
  for _, part in ipairs(parts) do
    largest, total = math.max(largest, part.size), total + part.size
  end
  local lines = {}
  for _, part in ipairs(parts) do
    local length = math.max(1, (part.size * WIDTH + largest // 2) // largest)
    lines[#lines + 1] = ("  %-22s %9s %5.1f%%  %s\n"):format(text.printable(part.name), text.digits(part.size),
      100 * part.size / total, ("#"):rep(length))
  end
  return table.concat(lines)
end

local function escape(value)
  return (value:gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

-- The worst ratio of sides when (row) with sum (sum) is laid along (side).
local function worst(row, sum, side)
  local largest, least = row[1].area, row[#row].area
  return math.max(side * side * largest / (sum * sum), sum * sum / (side * side * least))
end

-- Squarified treemap (Bruls, Huizing, van Wijk): calls each(item, x, y, w, h).
local function squarify(items, x, y, w, h, each)
  local total = 0
  for _, item in ipairs(items) do total = total + item.size end
  if total == 0 or w < 1 or h < 1 then return end
  for _, item in ipairs(items) do item.area = item.size * w * h / total end
  local i = 1
  while i <= #items do
    local side, row, sum = math.min(w, h), {}, 0
    while i <= #items do
      local item = items[i]
      row[#row + 1] = item
      if #row > 1 and worst(row, sum + item.area, side)
        > worst(table.move(row, 1, #row - 1, 1, {}), sum, side) then
        row[#row] = nil
        break
      end
      sum, i = sum + item.area, i + 1
    end
    local thickness, at = sum / side, 0
    for _, item in ipairs(row) do
      local length = item.area / thickness
      if w >= h then each(item, x, y + at, thickness, length)
      else each(item, x + at, y, length, thickness) end
      at = at + length
    end
    if w >= h then x, w = x + thickness, w - thickness else y, h = y + thickness, h - thickness end
  end
end

local function by_size(list)
  local sorted = {}
  for _, item in ipairs(list) do
    if item.size > 0 then sorted[#sorted + 1] = { name = item.name or item.path, size = item.size } end
  end
  table.sort(sorted, function(a, b)
    if a.size ~= b.size then return a.size > b.size end
    return a.name < b.name
  end)
  return sorted
end

local colours = { "#88b4d8", "#a8d08d", "#e8c27a", "#d89ac0", "#c0c0c0", "#b8a8e0", "#e0a890", "#90ccc4" }

local function box(out, item, colour, x, y, w, h)
  out[#out + 1] = ('<g><title>%s: %s bytes</title><rect x="%.1f" y="%.1f" width="%.1f" '
    .. 'height="%.1f" fill="%s" stroke="#fff"/>'):format(escape(item.name),
    text.digits(item.size), x, y, w, h, colour)
  local room = math.floor(w / 6.5)
  if room >= 4 and h >= 12 then
    out[#out + 1] = ('<text x="%.1f" y="%.1f">%s</text>'):format(x + 3, y + 11,
      escape(item.name:sub(1, room)))
  end
  out[#out + 1] = "</g>\n"
end

-- The treemap as SVG: parts, and in .text its functions, in files its files.
function chart.treemap(result, functions, files)
  local inside = { [".text"] = by_size(functions) }
  local file_items = {}
  for _, file in ipairs(files) do file_items[#file_items + 1] = { name = file.path, size = #file.data } end
  inside.files = by_size(file_items)
  local out = { '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800" '
    .. 'font-family="sans-serif" font-size="10">\n' }
  local index = 0
  squarify(by_size(result.parts), 0, 0, 1200, 800, function(part, x, y, w, h)
    index = index % #colours + 1
    local colour = colours[index]
    box(out, part, colour, x, y, w, h)
    if inside[part.name] and w > 8 and h > 24 then
      squarify(inside[part.name], x + 2, y + 14, w - 4, h - 16, function(item, a, b, c, d)
        box(out, item, colour, a, b, c, d)
      end)
    end
  end)
  out[#out + 1] = "</svg>\n"
  return table.concat(out)
end

function chart.page(result, functions, files)
  return ([[
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>%s %s</title>
<style>body{font-family:sans-serif;margin:2em}svg{width:100%%;height:auto}</style>
<h1>%s %s</h1><p>%s bytes, %d files, %d functions</p>
%s<pre>%s</pre></html>
]]):format(escape(result.name), escape(result.version), escape(result.name),
    escape(result.version), text.digits(result.size), #result.files, #functions,
    chart.treemap(result, functions, files), escape(chart.bars(result.parts)))
end

return chart
