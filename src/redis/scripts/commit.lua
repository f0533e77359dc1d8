-- Applies one cut on top of the head that it names, and publishes it. A cut without changes is a heartbeat.
--
-- It runs with every update. So it does no more than it must, and answers only with what its caller cannot
-- know. It makes few strings: Lua's collector takes as long as all the rest.
-- A light cut neither renews the lease nor counts the keys: its owner made a full one a moment ago.
-- A cut that is refused goes on to head.lua and refused.lua, which stand behind this file.
--
-- ARGV: 1 owner, 2 epoch, 3 prev epoch, 4 prev revision, 5 revision, 6 cutAt,
--       7 channel, empty where the cut was announced, 8 the times of the changes behind a `;`, or those of all
--       keys, or nothing, 9 what history is asked for, as record.lua has it, or nothing, 10 the number of texts, then the texts of the frame without its first line; behind
--       them, full cuts only: lease in ms, base epoch, base revision, horizon, then tombstones to forget
-- Reply: light: the server's time. Full: a list of the server's time, the size, the owner's name, the type
--        that was at the lease's key, where it was another, and the length of the times.
local META, STATE, INDEX, LEASE, TIMES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local owner, epoch, prevEpoch, prevRevision, revision, cutAt, channel, times, history, texts = unpack(ARGV, 1, 10)
local FIRST_TEXT, LAST_TEXT = 11, 10 + texts
local leaseMs, baseEpoch, baseRevision, horizon = unpack(ARGV, LAST_TEXT + 1, LAST_TEXT + 4)
local FIRST_TOMBSTONE = LAST_TEXT + 5
local isLight = leaseMs == nil

-- 1. All checks come before the first write. The claim that raised the fence to this epoch must be this
-- owner's own. A key of another type gives an error, a table without what is asked for: no check passes.
local held = redis.pcall('HMGET', META, 'fence', 'owner', 'epoch', 'revision', 'size', 'indexed')
local heldEpoch = held[3] or '0'
local isAccepted = held[1] == epoch and held[2] == owner and heldEpoch == prevEpoch
  and (held[4] or '0') == prevRevision
local size, indexed, ownerName = held[5], held[6], nil
if isLight then
  isAccepted = isAccepted and heldEpoch == epoch
elseif isAccepted then
  local meta = redis.call('HMGET', META, 'format', 'ownerName')
  local format = meta[1]
  ownerName = meta[2]
  isAccepted = (format == '1' or format == '2') and redis.pcall('HLEN', STATE) == tonumber(size or 0)
    and redis.pcall('ZCARD', INDEX) == tonumber(indexed or 0)
end

-- 2. State and index, and how many they hold: a count tells a value that was lost from one that was
-- deleted.
local forgotten, grown, listed = 0, nil, nil
local changes = history ~= '' and {} or nil
if isAccepted then
  if changes and not isLight then needs('XADD', KEYS[6], '*', '', '') end
  if FIRST_TOMBSTONE <= #ARGV then
    needs('HSET', META, 'size', '0')
    needs('ZADD', INDEX, '0', '')
  end
  for i = FIRST_TOMBSTONE, #ARGV do forgotten = forgotten + redis.call('ZREM', INDEX, ARGV[i]) end
  grown, listed = apply(STATE, INDEX, FIRST_TEXT, LAST_TEXT, changes)
  -- A light cut met a key of another type: half of it may be written. Everything counts as lost from now on,
  -- also once that key is gone.
  if not grown then redis.call('HSET', META, 'size', 'lost') end
end

if grown then
  listed = listed - forgotten
  -- A count that is no number stays as it is: the next full commit counts, and finds the damage.
  if grown ~= 0 and string.find(size or '0', '^%d+$') then
    redis.call('HSET', META, 'size', string.format('%.0f', (size or 0) + grown))
  end
  if listed ~= 0 and string.find(indexed or '0', '^%d+$') then
    redis.call('HSET', META, 'indexed', string.format('%.0f', (indexed or 0) + listed))
  end

  -- 3. Times, meta and lease. Where another type is in the way, nothing is appended, and the length says so.
  if string.byte(times) == 59 then write('APPEND', TIMES, times)
  elseif times ~= '' then
    if not write('STRLEN', TIMES) then redis.call('UNLINK', TIMES) end
    redis.call('SET', TIMES, times)
  end
  if changes then record(history, prevRevision, revision, epoch, changes, not isLight) end
  local foreign
  if isLight then
    redis.call('HSET', META, 'revision', revision, 'cutAt', cutAt)
  else
    redis.call('HSET', META, 'epoch', epoch, 'revision', revision, 'cutAt', cutAt, 'baseEpoch', baseEpoch,
      'baseRevision', baseRevision, 'horizon', horizon)
    -- SET would free a large key of another type at once, and hold up the server.
    if not write('STRLEN', LEASE) then
      foreign = redis.call('TYPE', LEASE).ok
      redis.call('UNLINK', LEASE)
    end
    redis.call('SET', LEASE, owner .. ' ' .. epoch .. ' ' .. leaseMs, 'PX', leaseMs)
  end

  -- 4. Publish: the server's time, and the frame exactly as it came.
  local clock = redis.call('TIME')
  local now = clock[1] .. ' ' .. clock[2]
  if channel ~= '' then redis.call('PUBLISH', channel, joined(now .. '\n', FIRST_TEXT, LAST_TEXT)) end
  if isLight then return now end
  local count = string.format('%.0f', tonumber(size or 0) + grown)
  return { now, count, ownerName, foreign and LEASE .. ' ' .. foreign .. ' string' or '',
    string.format('%.0f', write('STRLEN', TIMES) or -1) }
end
