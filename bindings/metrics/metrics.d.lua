---@meta lunik.metrics
-- SPDX-License-Identifier: MIT
-- metrics.d.lua: annotations of lunik.metrics for editors. See
-- docs/lua/metrics.md.

---Counters, gauges and histograms, and Prometheus' text of them.
---@class lunik.metrics
---@field content_type string of the text
local metrics = {}

---Label values, as many as there are labels, come first in each call.
---@class lunik.metrics.family
local Family = {}

---@class lunik.metrics.series
local Series = {}

---@class lunik.metrics.options
---@field [integer] string names of labels
---@field labels? string[] the same, beside other options
---@field max? integer series at most (1000); what is beyond goes to "other"
---@field buckets? number[] bounds of a histogram

---@param name string
---@param help? string
---@param options? lunik.metrics.options
---@return lunik.metrics.family
function metrics.counter(name, help, options) end

---@param name string
---@param help? string
---@param options? lunik.metrics.options
---@return lunik.metrics.family
function metrics.gauge(name, help, options) end

---@param name string
---@param help? string
---@param options? lunik.metrics.options
---@return lunik.metrics.family
function metrics.histogram(name, help, options) end

---@param fn fun() is called before each text
function metrics.collect(fn) end

---@return string
function metrics.text() end

---@type lunik.http.handler
function metrics.handler(req) end

---@return lunik.http.middleware
function metrics.middleware() end

---@param ... string|number|boolean label values, then the step (1)
function Family:inc(...) end

---@param ... string|number|boolean label values, then the step (1)
function Family:dec(...) end

---@param ... string|number|boolean label values, then the value
function Family:set(...) end

---@param ... string|number|boolean label values, then the value
function Family:observe(...) end

---@param ... string|number|boolean label values
---@return lunik.metrics.series
function Family:labels(...) end

---@param ... string|number|boolean label values
---@return number value of a histogram: the sum
---@return integer? count of a histogram
function Family:value(...) end

---@return integer updates that found no room for another series
function Family:dropped() end

---@param step? number
function Series:inc(step) end

---@param step? number
function Series:dec(step) end

---@param value number
function Series:set(value) end

---@param value number
function Series:observe(value) end

return metrics
