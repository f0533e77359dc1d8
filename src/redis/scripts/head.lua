-- Stands before the other scripts (in commit, behind the commit itself): reads the head of a space, and says
-- who may write it.
-- KEYS: 1 meta, 2 state, 3 index, 4 lease, 5 times, but for renew and a commit without history 6 history; flip and
--       settle also: 7 turn state, 8 turn index; claim, since, stage, replace-all, release and remove also:
--       9 next state, 10 next index
-- Numbers go in and out as strings, so that none is rounded on its way.
local META, STATE, INDEX, LEASE, TIMES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local TURN_STATE, TURN_INDEX = KEYS[7], KEYS[8]
-- The second while a turn is in force: a client that knows no turns would not find its keys.
local FORMAT, TURN_FORMAT = '1', '2'

-- Somebody else may have put another type at a key. Such a key is foreign: it counts as absent, and is named
-- in the reply. Only scripts of an owner remove it.
local foreign, wrongTypes = {}, {}
for i, expected in ipairs({ 'hash', 'hash', 'zset', 'string', 'string', 'stream', 'hash', 'zset',
  'hash', 'zset' }) do
  local key = KEYS[i]
  local found = key and redis.call('TYPE', key).ok or 'none'
  if found ~= 'none' and found ~= expected then
    foreign[key] = true
    wrongTypes[#wrongTypes + 1] = key .. ' ' .. found .. ' ' .. expected
  end
end

-- As redis.call, for a command that reads. Nil where the key is foreign.
local function read(command, key, ...)
  if foreign[key] then return nil end
  return redis.call(command, key, ...)
end

-- Removes values and their index. UNLINK frees in the background, but for a hash of at most 64 fields: that one
-- it frees at once, however long its values are. Empty fields make it one of more.
local function discard(state, index)
  local count = foreign[state] and 0 or redis.call('HLEN', state)
  if count > 0 and count <= 64 then
    local fields = {}
    for i = 1, 130 do fields[i] = i % 2 == 1 and '\n' .. i or '' end
    redis.pcall('HSET', state, unpack(fields))
  end
  redis.call('UNLINK', state, index)
end

-- The server's time: as replies and messages have it, in seconds and microseconds; and in ms, for arithmetic.
local clock = redis.call('TIME')
local now = clock[1] .. ' ' .. clock[2]
local nowMs = clock[1] * 1000 + clock[2] / 1000

local names = { 'format', 'fence', 'epoch', 'revision', 'baseEpoch', 'baseRevision', 'size', 'indexed',
  'horizon', 'cutAt', 'leaseMs', 'doubtedAt', 'turnSize', 'turnIndexed', 'turnRevision', 'turnLongest',
  'removedAt', 'historyAt', 'historyFrom', 'owner', 'ownerName' }
local meta, garbled = {}, foreign[META] or false
local fields = read('HMGET', META, unpack(names)) or {}
for i = 1, #names do
  local value, isText = fields[i], string.find(names[i], '^owner')
  if value and not isText then
    local number = tonumber(value)
    if not (number and number >= 0 and number < 2 ^ 53) then value, garbled = false, true end
  end
  meta[names[i]] = value or (isText and '' or '0')
end
if meta.format ~= '0' and meta.format ~= FORMAT and meta.format ~= TURN_FORMAT then
  local found = 'TANDEM format ' .. meta.format .. ' in ' .. META
  return redis.error_reply(found .. ', this client knows ' .. FORMAT)
end

-- Whether a turn is in force: its keys wait beside the live ones, and are part of the state all the same.
local function isInForce() return meta.turnIndexed ~= '0' end

-- By how many keys state and index of a turn in force hold more than they have to, or fewer below zero. Nil
-- where one of them is foreign.
local function turnExcess()
  if not isInForce() or not TURN_STATE then return 0, 0 end
  local values, keys = read('HLEN', TURN_STATE), read('ZCARD', TURN_INDEX)
  if not values or not keys then return nil end
  return values - tonumber(meta.turnSize), keys - tonumber(meta.turnIndexed)
end

-- A count tells a value that was lost from one that was deleted. Meta without numbers counts as lost, and so
-- does a head of an epoch that nobody has claimed.
local function keysLost()
  local values, keys = turnExcess()
  return garbled or values ~= 0 or keys ~= 0 or tonumber(meta.epoch) > tonumber(meta.fence)
    or read('HLEN', STATE) ~= tonumber(meta.size)
    or read('ZCARD', INDEX) ~= tonumber(meta.indexed)
end

-- Whether the counts are wrong only because somebody else has added keys: nothing is lost then.
local function keysAdded()
  local values, keys = turnExcess()
  local isDamaged = garbled or foreign[STATE] or foreign[INDEX] or not values or values < 0 or keys < 0
  if isDamaged or tonumber(meta.epoch) > tonumber(meta.fence) then return false end
  return read('HLEN', STATE) >= tonumber(meta.size) and read('ZCARD', INDEX) >= tonumber(meta.indexed)
end

-- The lease: the id and the epoch of its holder, and for how long it was asked. False where there is none.
-- Nil for an id or an epoch that cannot be read: somebody else wrote the lease.
local function lease()
  local value = not foreign[LEASE] and redis.call('GET', LEASE)
  if not value and not foreign[LEASE] then return false end
  local id, epoch, asked = string.match(value or '', '^(%S+) (%d+) ?(%d*)$')
  return { id = id, epoch = tonumber(epoch), asked = tonumber(asked) or tonumber(meta.leaseMs) }
end

-- The reply of a script: an outcome, and the head of the space as it is now.
local function head(outcome)
  local ttl, held = redis.call('PTTL', LEASE), lease()
  if ttl == -2 then ttl = 0 elseif ttl == 0 then ttl = 1 end
  return { outcome, now, meta.fence, meta.epoch, meta.revision, meta.baseEpoch, meta.baseRevision, meta.size,
    meta.horizon, meta.cutAt, meta.owner, meta.ownerName, string.format('%.0f', ttl),
    keysLost() and (keysAdded() and '2' or '1') or '0', held and string.format('%.0f', held.asked) or '0',
    table.concat(wrongTypes, '\n'), meta.doubtedAt, meta.turnIndexed, meta.removedAt }
end

-- Whether another owner is known to hold the lease. A lease of an epoch below `known` belongs to an ownership
-- that has ended: it came back with an older state of Redis.
local function rival(owner, known)
  local held = lease()
  return held and held.epoch ~= nil and held.id ~= owner and held.epoch >= tonumber(known)
end

-- Why this owner may not write under this epoch. Nil when it may: the claim that raised the fence to it was
-- its own. The fence may also rise though nobody else has claimed: by a late claim of its own, or by a
-- follower that has seen a higher epoch. Then the owner has to claim again.
local function refusal(owner, epoch)
  if meta.fence == epoch and meta.owner == owner and epoch ~= '0' then return nil end
  if rival(owner, epoch) then return 'fenced' end
  if tonumber(meta.fence) > tonumber(epoch) and meta.owner ~= owner then return 'fenced' end
  return 'head_moved'
end

local function save(fields)
  local flat = {}
  for name, value in pairs(fields) do
    meta[name] = value
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('HSET', META, unpack(flat))
end

local function renew(owner, epoch, leaseMs)
  -- SET would free a large key of another type at once, and hold up the server.
  if foreign[LEASE] then redis.call('UNLINK', LEASE) end
  redis.call('SET', LEASE, owner .. ' ' .. epoch .. ' ' .. leaseMs, 'PX', leaseMs)
end

-- Notes when keys were set. A text that begins with `;` is more of what is there; any other takes its place.
local function keepTimes(times)
  if times == '' then return end
  if foreign[TIMES] then redis.call('UNLINK', TIMES) end
  foreign[TIMES] = nil
  redis.call(string.byte(times) == 59 and 'APPEND' or 'SET', TIMES, times)
end
