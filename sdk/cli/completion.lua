-- SPDX-License-Identifier: MIT
-- completion.lua: `lunik completion`: prints what a shell needs to complete.

local command = {
  summary = "Print completions for a shell.",
  help = [[
   lunik completion bash > ~/.local/share/bash-completion/completions/lunik
   lunik completion fish > ~/.config/fish/completions/lunik.fish]],
}

function command.define(parser)
  parser:argument("shell", "bash, zsh or fish."):choices { "bash", "zsh", "fish" }
end

function command.run(args)
  local parser = args.parser
  local method = ("get_%s_complete"):format(args.shell)
  io.stdout:write(parser[method](parser))
  return 0
end

return command
