-- Puts the staged state in place of the live one, renews the lease, publishes the new head.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 revision, 5 base epoch, 6 base revision, 7 horizon, 8 cutAt,
--       9 channel, 10 header, 11 size, 12 indexed, 13 the attempt that was staged, 14 times, as for commit
-- Reply: the head, behind `committed`, `fenced`, `head_moved` or `keys_lost`
local owner, leaseMs, epoch, revision, baseEpoch, baseRevision, horizon, cutAt = unpack(ARGV, 1, 8)
local channel, header, size, indexed, attempt, times = unpack(ARGV, 9, 14)
local NEXT_STATE, NEXT_INDEX = KEYS[9], KEYS[10]

local refused = refusal(owner, epoch)
if refused then return head(refused) end
if redis.call('HGET', META, 'attempt') ~= attempt then return head('head_moved') end
-- The stage may have lost keys.
if read('HLEN', NEXT_STATE) ~= tonumber(size) or read('ZCARD', NEXT_INDEX) ~= tonumber(indexed) then
  return head('keys_lost')
end

needs('UNLINK', STATE)
needs('EXISTS', NEXT_STATE)
needs('RENAME', NEXT_STATE, STATE)
needs('HSET', META, 'size', '0')
-- First of all: RENAME would free a large key in its way at once, and hold up the server.
discard(STATE, INDEX)
discard(TURN_STATE, TURN_INDEX)
for live, staged in pairs({ [STATE] = NEXT_STATE, [INDEX] = NEXT_INDEX }) do
  if redis.call('EXISTS', staged) == 1 then redis.call('RENAME', staged, live) end
end
save({ format = FORMAT, epoch = epoch, revision = revision, baseEpoch = baseEpoch, baseRevision = baseRevision,
  horizon = horizon, cutAt = cutAt, size = size, indexed = indexed, turnSize = '0', turnIndexed = '0' })
-- What was garbled or of another type is whole by now.
garbled, foreign[STATE], foreign[INDEX] = false, nil, nil
keepTimes(times)
renew(owner, epoch, leaseMs)
redis.call('PUBLISH', channel, now .. '\n' .. header)
return head('committed')
