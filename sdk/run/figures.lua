-- SPDX-License-Identifier: MIT
-- figures.lua: what `lunik bench` found, for people and for programs.

local text = require "util.text"

local figures = {}

local WIDTH = 40

-- The time below which (share) of the answers came, in nanoseconds.
function figures.quantile(result, share)
  local wanted, seen = math.ceil(share * result.requests), 0
  for _, bucket in ipairs(result.buckets) do
    seen = seen + bucket.count
    if seen >= wanted then return math.min(bucket.below, result.slowest) end
  end
  return result.slowest
end

-- "950 ns", "12.3 us", "1.50 ms", "2.00 s".
function figures.time(ns)
  if ns < 1000 then return ("%d ns"):format(ns) end
  if ns < 1e6 then return ("%.1f us"):format(ns / 1e3) end
  if ns < 1e9 then return ("%.2f ms"):format(ns / 1e6) end
  return ("%.2f s"):format(ns / 1e9)
end

function figures.errors(result)
  return result.connect_errors + result.read_errors + result.format_errors + result.timeouts
end

-- The answers in rows whose ends double: { below, count }.
function figures.rows(result)
  local rows, row = {}, nil
  for _, bucket in ipairs(result.buckets) do
    while not row or bucket.below > row.below do
      local below = row and row.below * 2 or 1000
      -- The first row begins where there is something.
      if not row then
        while below < bucket.below do below = below * 2 end
      end
      row = { below = below, count = 0 }
      rows[#rows + 1] = row
    end
    row.count = row.count + bucket.count
  end
  return rows
end

-- The histogram as lines.
function figures.histogram(result)
  local rows, largest, lines = figures.rows(result), 1, {}
  for _, row in ipairs(rows) do largest = math.max(largest, row.count) end
  for _, row in ipairs(rows) do
    local bar = row.count == 0 and "" or ("#"):rep(math.max(1, math.floor(row.count * WIDTH / largest + 0.5)))
    lines[#lines + 1] = ("  < %-9s %6.2f%% %10s  %s"):format(figures.time(row.below),
      100 * row.count / result.requests, text.digits(row.count), bar):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

local QUANTILES = { { "50", 0.5 }, { "90", 0.9 }, { "99", 0.99 }, { "99.9", 0.999 } }

-- All of it as text.
function figures.report(result)
  local lines = {}
  local function line(format, ...) lines[#lines + 1] = format:format(...) end
  line("%s requests in %.2f s: %s a second, %s bytes received, %s",
    text.digits(result.requests), result.seconds,
    text.digits(math.floor(result.requests / result.seconds + 0.5)), text.digits(result.bytes),
    text.plural(result.opened, "connection"))
  if result.requests > 0 then
    local parts = {}
    for _, item in ipairs(QUANTILES) do
      parts[#parts + 1] = ("%s %% %s"):format(item[1], figures.time(figures.quantile(result, item[2])))
    end
    line("latency: fastest %s, mean %s, %s, slowest %s", figures.time(result.fastest),
      figures.time(result.mean), table.concat(parts, ", "), figures.time(result.slowest))
    lines[#lines + 1] = figures.histogram(result)
  end
  local others = result.requests - result.statuses[2]
  if others > 0 then
    line("answers that were no success: %s (3xx %d, 4xx %d, 5xx %d, others %d)", text.digits(others),
      result.statuses[3], result.statuses[4], result.statuses[5], result.statuses[0])
  end
  line("errors: %d (connect %d, read %d, malformed %d, timeout %d)", figures.errors(result),
    result.connect_errors, result.read_errors, result.format_errors, result.timeouts)
  if result.ended == "errors" then line("gave up: nothing but errors") end
  if result.ended == "interrupted" then line("interrupted") end
  return table.concat(lines, "\n")
end

-- The same as a table for JSON.
function figures.table(result)
  local t = {
    requests = result.requests, seconds = result.seconds, bytes = result.bytes,
    per_second = result.requests / result.seconds, connections_opened = result.opened,
    ended = result.ended,
    errors = { connect = result.connect_errors, read = result.read_errors,
      malformed = result.format_errors, timeout = result.timeouts },
    statuses = { ["2xx"] = result.statuses[2], ["3xx"] = result.statuses[3],
      ["4xx"] = result.statuses[4], ["5xx"] = result.statuses[5], other = result.statuses[0] },
    instructions = result.instructions,
  }
  if result.requests > 0 then
    t.latency_ns = { fastest = result.fastest, mean = result.mean, slowest = result.slowest }
    for _, item in ipairs(QUANTILES) do
      t.latency_ns["p" .. item[1]] = figures.quantile(result, item[2])
    end
  end
  return t
end

return figures
