-- Stands before each of the other scripts: what a space holds, and who may write it.
-- KEYS: 1 meta, 2 state, 3 index, 4 lease; stage and swap also 5 next state, 6 next index
-- Numbers go in and out as strings, so that none is rounded on its way.
local META, STATE, INDEX, LEASE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FORMAT = '1'

local clock = redis.call('TIME')
local now = string.format('%.3f', clock[1] * 1000 + clock[2] / 1000)

local names = { 'format', 'fence', 'epoch', 'revision', 'baseEpoch', 'baseRevision', 'size', 'indexed', 'horizon', 'cutAt', 'owner', 'ownerName' }
local meta = {}
for i, value in ipairs(redis.call('HMGET', META, unpack(names))) do
  meta[names[i]] = value or (string.find(names[i], '^owner') and '' or '0')
end
if meta.format ~= '0' and meta.format ~= FORMAT then
  return redis.error_reply('TANDEM format ' .. meta.format .. ' in ' .. META .. ', this client knows ' .. FORMAT)
end

-- Counting tells a value that was lost from one that was deleted.
local function damaged()
  return redis.call('HLEN', STATE) ~= tonumber(meta.size) or redis.call('ZCARD', INDEX) ~= tonumber(meta.indexed)
end

-- The reply of every script: an outcome and what the space holds now.
local function head(outcome)
  local ttl = redis.call('PTTL', LEASE)
  if ttl == -2 then ttl = 0 elseif ttl < 1 then ttl = 1 end
  return { outcome, now, meta.fence, meta.epoch, meta.revision, meta.baseEpoch, meta.baseRevision, meta.size,
    meta.horizon, meta.cutAt, meta.owner, meta.ownerName, string.format('%.0f', ttl), damaged() and '1' or '0' }
end

-- Whether the lease is free, or this owner's.
local function free(owner)
  local holder = redis.call('GET', LEASE)
  return not holder or string.sub(holder, 1, #owner + 1) == owner .. ' '
end

-- Why this owner may not write under this epoch, or nil when it may. A fence that rose though nobody else has
-- claimed (a claim of its own that came late, a follower that has seen a higher epoch) asks it to claim again.
local function refusal(owner, epoch)
  if not free(owner) then return 'fenced' end
  if meta.fence == epoch and epoch ~= '0' then return nil end
  if tonumber(meta.fence) > tonumber(epoch) and meta.owner ~= owner then return 'fenced' end
  return 'diverged'
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

-- Applies ARGV from here on, three arguments a change: key, revision, value (empty: delete).
-- In portions, since Lua can hand on only so many arguments at once.
local function apply(state, index, from)
  local sets, scores, deletes = {}, {}, {}
  for i = from, #ARGV, 3 do
    local key, revision, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    scores[#scores + 1] = revision
    scores[#scores + 1] = key
    if value == '' then
      deletes[#deletes + 1] = key
    else
      sets[#sets + 1] = key
      sets[#sets + 1] = value
    end
    if #scores >= 1000 or i + 3 > #ARGV then
      redis.call('ZADD', index, unpack(scores))
      if #sets > 0 then redis.call('HSET', state, unpack(sets)) end
      if #deletes > 0 then redis.call('HDEL', state, unpack(deletes)) end
      sets, scores, deletes = {}, {}, {}
    end
  end
end
