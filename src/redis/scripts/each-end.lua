end

-- Reply: the server's time, and for each space what commit.lua replies; empty for one that was not accepted, or failed: it is to
-- be asked for alone.
local clock = redis.call('TIME')
local replies, at = { clock[1] .. ' ' .. clock[2] }, 1
for space = 1, #KEYS / 4 do
  local last = at + ARGV[at]
  local isDone, reply = pcall(commit, { unpack(KEYS, 4 * space - 3, 4 * space) }, { unpack(ARGV, at + 1, last) })
  replies[space + 1] = isDone and reply or ''
  at = last + 1
end
return replies
