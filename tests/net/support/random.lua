-- SPDX-License-Identifier: MIT
-- random.lua: do numbers look as if nobody could foresee them? Finds counters,
-- clocks, constant steps and stuck bits; proves nothing about a good cipher.

local random = {}

-- How many of (values) are there once.
function random.distinct(values)
  local seen, count = {}, 0
  for _, value in ipairs(values) do
    if not seen[value] then
      seen[value] = true
      count = count + 1
    end
  end
  return count
end

-- The share of steps from one value to the next that are shorter than (share)
-- of the space of (bits) bits, either way. Of random ones, 2 * (share) are.
function random.near_steps(values, bits, share)
  local space = 1 << bits
  local near = 0
  for i = 2, #values do
    local step = (values[i] - values[i - 1]) % space
    if math.min(step, space - step) < space * share then near = near + 1 end
  end
  return near / (#values - 1)
end

-- How often the commonest step comes.
function random.commonest_step(values, bits)
  local counts, most = {}, 0
  for i = 2, #values do
    local step = (values[i] - values[i - 1]) % (1 << bits)
    counts[step] = (counts[step] or 0) + 1
    most = math.max(most, counts[step])
  end
  return most
end

-- The share of ones of the bit that is farthest from one half, among the (bits)
-- lowest.
function random.worst_bit(values, bits)
  local worst = 0.5
  for bit = 0, bits - 1 do
    local ones = 0
    for _, value in ipairs(values) do ones = ones + (value >> bit & 1) end
    local share = ones / #values
    if math.abs(share - 0.5) > math.abs(worst - 0.5) then worst = share end
  end
  return worst
end

-- What is wrong with (values), of (bits) bits, drawn from a space of about
-- (space) numbers; nil when nothing is.
function random.complaint(values, bits, space)
  space = space or 1 << bits
  if #values < 200 then return ("only %d values"):format(#values) end
  -- The birthday paradox leaves n - n^2/2s of them distinct.
  local repeats = #values - random.distinct(values)
  local expected = #values * #values / (2 * space)
  if repeats > 3 * expected + 5 then
    return ("%d of %d values come again, %.0f may"):format(repeats, #values, expected)
  end
  local near = random.near_steps(values, bits, 1 / 64)
  if near > 0.12 then
    return ("%.0f %% of the steps are near ones"):format(near * 100)
  end
  local most = random.commonest_step(values, bits)
  if most > 5 + #values * 20 / space then
    return ("one step comes %d times"):format(most)
  end
  -- The highest bits of a port are bound by its range.
  local worst = random.worst_bit(values, bits == 16 and 13 or bits)
  -- Six deviations: of 32 good bits one in a million sets is found bad.
  if math.abs(worst - 0.5) > 6 * 0.5 / math.sqrt(#values) then
    return ("a bit is set in %.0f %% of them"):format(worst * 100)
  end
  return nil
end

return random
