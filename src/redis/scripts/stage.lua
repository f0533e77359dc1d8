-- Writes a portion of a whole state beside the live keys. Abandoned portions expire by themselves.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 the attempt, 5 '1' for its first portion, 6 a line break, or what stands there for a header, and the changes
local owner, leaseMs, epoch, attempt = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local refused = refusal(owner, epoch)
if refused then return head(refused) end

-- A portion of an attempt that was given up may come late; it must not reach the stage of the next one.
if ARGV[5] == '1' then
  save({ attempt = attempt })
  redis.call('DEL', KEYS[5], KEYS[6])
elseif redis.call('HGET', META, 'attempt') ~= attempt then
  return head('head_moved')
end
apply(KEYS[5], KEYS[6], ARGV[6])
renew(owner, epoch, leaseMs)
redis.call('PEXPIRE', KEYS[5], 60000)
redis.call('PEXPIRE', KEYS[6], 60000)
return head('staged')
