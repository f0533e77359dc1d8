-- Puts a staged turn in force, on top of the head that it names, and publishes the frame that ends its parts.
-- From now on its keys are part of the state, though they are not with the live keys: `settle` moves them.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 prev epoch, 5 prev revision, 6 revision, 7 base epoch,
--       8 base revision, 9 horizon, 10 cutAt, 11 channel, 12 header, 13 size, 14 indexed, 15 the length of
--       the longest value, bytes, 16 the attempt, 17 times, 18 history, as for commit
-- Reply: the head, behind `committed`, `fenced`, `head_moved` or `keys_lost`
local owner, leaseMs, epoch, prevEpoch, prevRevision, revision, baseEpoch, baseRevision = unpack(ARGV, 1, 8)
local horizon, cutAt, channel, header, size, indexed, longest, attempt, times, history = unpack(ARGV, 9, 18)

local refused = refusal(owner, epoch)
if refused then return head(refused) end
if keysLost() then return head('keys_lost') end
local isHead = meta.epoch == prevEpoch and meta.revision == prevRevision
if not isHead or isInForce() or redis.call('HGET', META, 'attempt') ~= attempt then return head('head_moved') end
if read('HLEN', TURN_STATE) ~= tonumber(size) or read('ZCARD', TURN_INDEX) ~= tonumber(indexed) then
  return head('keys_lost')
end

if history ~= '' then needs('XADD', KEYS[6], '*', '', '') end
save({ format = indexed == '0' and FORMAT or TURN_FORMAT, turnSize = size, turnIndexed = indexed, turnRevision = revision,
  turnLongest = longest, epoch = epoch, revision = revision,
  baseEpoch = baseEpoch, baseRevision = baseRevision, horizon = horizon, cutAt = cutAt })
keepTimes(times)
-- The changes come with `settle`.
if history ~= '' then record(history, prevRevision, revision, epoch, {}, false) end
renew(owner, epoch, leaseMs)
redis.call('PUBLISH', channel, now .. '\n' .. header)
return head('committed')
