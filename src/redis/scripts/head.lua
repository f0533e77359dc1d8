-- Stands before the other scripts (in commit, behind the commit itself): reads the head of a space, and says
-- who may write it.
-- KEYS: 1 meta, 2 state, 3 index, 4 lease; stage and replace-all also: 5 next state, 6 next index
-- Numbers go in and out as strings, so that none is rounded on its way.
local META, STATE, INDEX, LEASE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FORMAT = '1'

-- The server's time: as replies and messages have it, in seconds and microseconds; and in ms, for arithmetic.
local clock = redis.call('TIME')
local now = clock[1] .. ' ' .. clock[2]
local nowMs = clock[1] * 1000 + clock[2] / 1000

local names = { 'format', 'fence', 'epoch', 'revision', 'baseEpoch', 'baseRevision', 'size', 'indexed',
  'horizon', 'cutAt', 'owner', 'ownerName' }
local meta, garbled = {}, false
for i, value in ipairs(redis.call('HMGET', META, unpack(names))) do
  local isText = string.find(names[i], '^owner')
  if value and not isText then
    local number = tonumber(value)
    if not (number and number >= 0 and number < 2 ^ 53) then value, garbled = false, true end
  end
  meta[names[i]] = value or (isText and '' or '0')
end
if meta.format ~= '0' and meta.format ~= FORMAT then
  local found = 'TANDEM format ' .. meta.format .. ' in ' .. META
  return redis.error_reply(found .. ', this client knows ' .. FORMAT)
end

-- A count tells a value that was lost from one that was deleted. Meta without numbers counts as lost, and so
-- does a head of an epoch that nobody has claimed.
local function keysLost()
  return garbled or tonumber(meta.epoch) > tonumber(meta.fence)
    or redis.call('HLEN', STATE) ~= tonumber(meta.size)
    or redis.call('ZCARD', INDEX) ~= tonumber(meta.indexed)
end

-- The reply of a script: an outcome, and the head of the space as it is now.
local function head(outcome)
  local ttl = redis.call('PTTL', LEASE)
  if ttl == -2 then ttl = 0 elseif ttl < 1 then ttl = 1 end
  return { outcome, now, meta.fence, meta.epoch, meta.revision, meta.baseEpoch, meta.baseRevision, meta.size,
    meta.horizon, meta.cutAt, meta.owner, meta.ownerName, string.format('%.0f', ttl),
    keysLost() and '1' or '0' }
end

-- Whether another owner holds the lease. A lease of an epoch below `known` belongs to an ownership that has
-- ended: it came back with an older state of Redis.
local function rival(owner, known)
  local holder = redis.call('GET', LEASE)
  if not holder then return false end
  local id, epoch = string.match(holder, '^(.*) (%d+)$')
  return id ~= owner and tonumber(epoch or known) >= tonumber(known)
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
  redis.call('SET', LEASE, owner .. ' ' .. epoch, 'PX', leaseMs)
end
