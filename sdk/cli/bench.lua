local command = { summary = "x" }
function command.define() end
return command
