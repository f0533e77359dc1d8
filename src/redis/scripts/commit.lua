-- Applies one cut on top of the head it names, renews the lease, publishes. A cut of no change is a beacon.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 prev epoch, 5 prev revision, 6 revision, 7 base epoch,
--       8 base revision, 9 horizon, 10 cutAt, 11 channel, 12 header, 13 how many tombstones to forget,
--       then their keys, then the changes
local owner, leaseMs, epoch = ARGV[1], ARGV[2], ARGV[3]

-- 1. All checks come before the first write.
local refused = refusal(owner, epoch)
if refused then return head(refused) end
if damaged() then return head('damaged') end
if meta.epoch ~= ARGV[4] or meta.revision ~= ARGV[5] then return head('diverged') end

-- 2. State and index.
local changes = 14 + tonumber(ARGV[13])
for i = 14, changes - 1 do redis.call('ZREM', INDEX, ARGV[i]) end
apply(STATE, INDEX, changes)

-- 3. Meta and lease.
save({ epoch = epoch, revision = ARGV[6], baseEpoch = ARGV[7], baseRevision = ARGV[8], horizon = ARGV[9], cutAt = ARGV[10],
  size = string.format('%.0f', redis.call('HLEN', STATE)), indexed = string.format('%.0f', redis.call('ZCARD', INDEX)) })
renew(owner, epoch, leaseMs)

-- 4. Publish: the time, the header, the changes just as they came.
local body = changes <= #ARGV and '\n' .. table.concat(ARGV, '\n', changes) or ''
redis.call('PUBLISH', ARGV[11], now .. '\n' .. ARGV[12] .. body)
return head('committed')
