-- Moves the first keys of a turn in force into the live keys. Repeated until none is left.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 the greatest number of keys
-- Reply: the head, behind `settled`, `fenced`, `head_moved` or `keys_lost`
local owner, leaseMs, epoch, most = unpack(ARGV)
-- Once the values are together larger than this, the rest waits for the next call.
local LARGE = 256 * 1024

local refused = refusal(owner, epoch)
if refused then return head(refused) end
if not isInForce() then return head('settled') end
if keysLost() then return head('keys_lost') end

needs('HSET', STATE, '', '')
needs('HDEL', STATE, '')
needs('ZADD', INDEX, '0', '')
needs('ZREMRANGEBYRANK', TURN_INDEX, '0', '0')
-- Whether history has this turn: its owner keeps one.
local isRecorded = tonumber(meta.historyAt) >= tonumber(meta.turnRevision)
if isRecorded then needs('XADD', KEYS[6], '*', '', '') end
local found = redis.call('ZRANGE', TURN_INDEX, 0, tonumber(most) - 1, 'WITHSCORES')
local areShort = tonumber(meta.turnLongest) * #found / 2 <= LARGE
local keys, count, length = {}, 0, 0
while count < #found / 2 and length < LARGE do
  count = count + 1
  keys[count] = found[2 * count - 1]
  if not areShort then length = length + redis.call('HSTRLEN', TURN_STATE, keys[count]) end
end

local values = redis.call('HMGET', TURN_STATE, unpack(keys))
local sets, scores, deletes, moved = {}, {}, {}, 0
for i = 1, count do
  local key, revision = keys[i], found[2 * i]
  if values[i] then moved = moved + 1 end
  if isRecorded then
    local isOld = tonumber(revision) <= tonumber(meta.baseRevision)
    recordChange(key, revision, isOld and meta.baseEpoch or meta.epoch, '', values[i])
  end
  -- A commit may have changed the key since the turn: what it wrote is newer.
  local live = meta.revision ~= meta.turnRevision and redis.call('ZSCORE', INDEX, key)
  if not live or tonumber(live) < tonumber(revision) then
    scores[#scores + 1] = revision
    scores[#scores + 1] = key
    if values[i] then
      sets[#sets + 1] = key
      sets[#sets + 1] = values[i]
    else
      deletes[#deletes + 1] = key
    end
  end
end

local grown, listed = 0, 0
if #sets > 0 then grown = redis.call('HSET', STATE, unpack(sets)) end
if #deletes > 0 then grown = grown - redis.call('HDEL', STATE, unpack(deletes)) end
if #scores > 0 then listed = redis.call('ZADD', INDEX, unpack(scores)) end
redis.call('HDEL', TURN_STATE, unpack(keys))
redis.call('ZREMRANGEBYRANK', TURN_INDEX, 0, count - 1)

local function sum(number, change) return string.format('%.0f', tonumber(number) + change) end
save({ size = sum(meta.size, grown), indexed = sum(meta.indexed, listed),
  turnSize = sum(meta.turnSize, -moved), turnIndexed = sum(meta.turnIndexed, -count) })
if not isInForce() then save({ format = FORMAT }) end
renew(owner, epoch, leaseMs)
return head('settled')
