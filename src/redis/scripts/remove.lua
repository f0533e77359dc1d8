-- Removes a space that nobody holds, and publishes it. What is left says so for a while, then expires.
-- ARGV: 1 the expiry of a lease that the caller has watched to its end, as for claim, 2 channel, 3 how long the
--       removal can be read, ms
-- Reply: the head, behind `removed`, `held` or `absent`
local outwaited, channel, keptMs = unpack(ARGV)

-- No owner has this id, so each lease is another's.
if (rival('', '0') or mayHaveHolder('0', '')) and not isOutwaited(outwaited) then return head('held') end

local isThere = garbled or meta.fence ~= '0' and meta.removedAt == '0'
for i = 2, 10 do isThere = isThere or redis.call('EXISTS', KEYS[i]) == 1 end
if not isThere then return head('absent') end

needs('HSET', META, 'fence', '0')
needs('PEXPIRE', META, keptMs)
needs('UNLINK', STATE)
needs('PUBLISH', channel, '')

if foreign[META] then redis.call('UNLINK', META) end
-- Without a claim that can be read, all epochs up to now are over.
if meta.fence == '0' then meta.fence = string.format('%.0f', math.floor(nowMs)) end
-- An owner that comes back is told by `owner` that its claim is gone: it claims anew, and the space is there again.
save({ format = FORMAT, fence = meta.fence, removedAt = string.format('%.0f', math.floor(nowMs)), owner = '',
  ownerName = '', epoch = '0', revision = '0', baseEpoch = '0', baseRevision = '0', size = '0', indexed = '0',
  horizon = '0', cutAt = '0', leaseMs = '0', doubtedAt = '0', turnSize = '0', turnIndexed = '0',
  historyAt = '0', historyFrom = '0' })
redis.call('PEXPIRE', META, keptMs)
garbled = false

discard(STATE, INDEX)
discard(TURN_STATE, TURN_INDEX)
discard(KEYS[9], KEYS[10])
redis.call('UNLINK', LEASE, TIMES, KEYS[6])
for key in pairs(foreign) do foreign[key] = nil end
redis.call('PUBLISH', channel, now .. '\n3 removed ' .. meta.fence)
return head('removed')
