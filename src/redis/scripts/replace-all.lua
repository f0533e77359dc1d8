-- Puts the staged state in place of the live one, renews the lease, publishes the new head.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 revision, 5 base epoch, 6 base revision, 7 horizon, 8 cutAt,
--       9 channel, 10 header, 11 size, 12 indexed, 13 the attempt that was staged
local owner, leaseMs, epoch = ARGV[1], ARGV[2], ARGV[3]
local NEXT = { [STATE] = KEYS[5], [INDEX] = KEYS[6] }

local refused = refusal(owner, epoch)
if refused then return head(refused) end
if redis.call('HGET', META, 'attempt') ~= ARGV[13] then return head('head_moved') end
if redis.call('HLEN', KEYS[5]) ~= tonumber(ARGV[11]) or redis.call('ZCARD', KEYS[6]) ~= tonumber(ARGV[12]) then
  return head('keys_lost')
end

for live, staged in pairs(NEXT) do
  redis.call('UNLINK', live)
  if redis.call('EXISTS', staged) == 1 then
    redis.call('RENAME', staged, live)
    redis.call('PERSIST', live)
  end
end
save({ epoch = epoch, revision = ARGV[4], baseEpoch = ARGV[5], baseRevision = ARGV[6], horizon = ARGV[7], cutAt = ARGV[8],
  size = ARGV[11], indexed = ARGV[12] })
renew(owner, epoch, leaseMs)
redis.call('PUBLISH', ARGV[9], now .. '\n' .. ARGV[10])
return head('committed')
