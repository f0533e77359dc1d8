-- Before commit.lua, and each-end.lua behind it: commits of several spaces in one call, each as if it had come alone.
-- KEYS: four for each space. ARGV: for each space the number of its arguments, and they
local function commit(KEYS, ARGV)

