-- SPDX-License-Identifier: MIT
-- binaryheap.lua: what copas uses of the library of that name: values with
-- unique payloads, the least first. For tests: it keeps a sorted list.
local heap = {}
heap.__index = heap

function heap.minUnique() return setmetatable({ list = {} }, heap) end

function heap:insert(value, payload)
  local at = #self.list + 1
  while at > 1 and self.list[at - 1].value > value do at = at - 1 end
  table.insert(self.list, at, { value = value, payload = payload })
end

function heap:pop()
  local first = table.remove(self.list, 1)
  if first then return first.payload, first.value end
end

function heap:peekValue() return self.list[1] and self.list[1].value end

function heap:size() return #self.list end

function heap:remove(payload)
  for i, item in ipairs(self.list) do
    if item.payload == payload then
      table.remove(self.list, i)
      return item.value, payload
    end
  end
end

return heap
