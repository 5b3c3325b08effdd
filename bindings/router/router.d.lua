---@meta lunik.http.router
-- SPDX-License-Identifier: MIT
-- router.d.lua: annotations of lunik.http.router for editors. See
-- docs/lua/http-router.md.

---@alias lunik.http.handler fun(req: lunik.http.request, res: lunik.http.response): integer|string|nil, any, table<string, string|string[]>|nil
---@alias lunik.http.middleware fun(req: lunik.http.request, res: lunik.http.response, next: fun(): ...): ...

---Finds the handler of a request, by its path and its method.
---@class lunik.http.router
local router = {}

---A router is a handler itself. What its methods add, they add to it; they
---answer the router.
---@class lunik.http.router.router
---@overload fun(req: lunik.http.request, res: lunik.http.response): integer, any, table?
local Router = {}

---@return lunik.http.router.router
function router.new() end

---Pattern: "/users/:id", "/files/*rest". The values are in req.params.
---@param method string|string[]
---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:route(method, pattern, handler) end

---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:get(pattern, handler) end

---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:head(pattern, handler) end

---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:post(pattern, handler) end

---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:put(pattern, handler) end

---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:patch(pattern, handler) end

---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:delete(pattern, handler) end

---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:options(pattern, handler) end

---For the methods that have no handler of their own.
---@param pattern string
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:any(pattern, handler) end

---Everything at and below the prefix; the rest of the path is in
---req.params["*"].
---@param prefix string
---@param handler lunik.http.handler|lunik.http.router.router
---@return lunik.http.router.router
function Router:mount(prefix, handler) end

---Around every request of this router; `return next()` goes on.
---@param fn lunik.http.middleware
---@return lunik.http.router.router
function Router:use(fn) end

---Answers where there is no route.
---@param handler lunik.http.handler
---@return lunik.http.router.router
function Router:fallback(handler) end

---@param req lunik.http.request
---@param res lunik.http.response
---@return integer status
---@return any body
---@return table<string, string>? headers
function Router:handle(req, res) end

---@return lunik.http.handler handler the router as a plain function
function Router:handler() end

return router
