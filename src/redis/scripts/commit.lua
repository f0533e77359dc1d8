-- Applies one cut on top of the head it names, and publishes it. A cut of no change is a heartbeat.
-- It runs with every update, so it does and reads no more than it must, makes few strings (Lua's collector takes as long as
-- all else), and answers no more than its asker cannot know.
-- A light cut, of an owner that a moment ago made one that was not, neither renews the lease nor counts what is held.
-- What is not accepted is answered by what stands behind this: head.lua, and the reason.
-- ARGV: 1 owner, 2 epoch, 3 prev epoch, 4 prev revision, 5 revision, 6 cutAt,
--       7 channel, empty for what was announced, 8 the frame but for its time;
--       where it is not light: 9 lease in ms, 10 base epoch, 11 base revision, 12 horizon, then tombstones to forget
-- Reply: the server's time; where it is not light, in a list, and with it the size and the owner's name
local META, STATE, INDEX, LEASE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, isLight = ARGV[2], ARGV[9] == nil

-- 1. All checks come before the first write. The claim that raised the fence to this epoch has to be this owner's own.
local held = redis.call('HMGET', META, 'fence', 'owner', 'epoch', 'revision')
local isAccepted = held[1] == epoch and held[2] == ARGV[1] and (held[3] or '0') == ARGV[3] and (held[4] or '0') == ARGV[4]
local size, name
if isLight then
  isAccepted = isAccepted and held[3] == epoch
elseif isAccepted then
  local format, indexed
  format, name, size, indexed = unpack(redis.call('HMGET', META, 'format', 'ownerName', 'size', 'indexed'))
  isAccepted = format == '1' and redis.call('HLEN', STATE) == tonumber(size or 0)
    and redis.call('ZCARD', INDEX) == tonumber(indexed or 0)
end

if isAccepted then
  -- 2. State and index. Counted along: counting tells a value that was lost from one that was deleted.
  local forgotten = 0
  for i = 13, #ARGV do forgotten = forgotten + redis.call('ZREM', INDEX, ARGV[i]) end
  local grown, listed = apply(STATE, INDEX, ARGV[8])
  listed = listed - forgotten
  -- Where there is no number to add to, nothing is counted, and the next that counts finds it.
  if grown ~= 0 then redis.pcall('HINCRBY', META, 'size', grown) end
  if listed ~= 0 then redis.pcall('HINCRBY', META, 'indexed', listed) end

  -- 3. Meta and lease.
  if isLight then
    redis.call('HSET', META, 'revision', ARGV[5], 'cutAt', ARGV[6])
  else
    redis.call('HSET', META, 'epoch', epoch, 'revision', ARGV[5], 'cutAt', ARGV[6], 'baseEpoch', ARGV[10],
      'baseRevision', ARGV[11], 'horizon', ARGV[12])
    redis.call('SET', LEASE, ARGV[1] .. ' ' .. epoch, 'PX', ARGV[9])
  end

  -- 4. Publish: the time, and the frame just as it came.
  local clock = redis.call('TIME')
  local now = clock[1] .. ' ' .. clock[2]
  if ARGV[7] ~= '' then redis.call('PUBLISH', ARGV[7], now .. '\n' .. ARGV[8]) end
  if isLight then return now end
  return { now, string.format('%.0f', tonumber(size or 0) + grown), name }
end
