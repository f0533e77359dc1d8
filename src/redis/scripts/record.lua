-- The history of a space: a stream with what was committed, each change an entry. Stands behind apply.lua, and
-- before settle.lua. It is complete up to the revision `historyAt`, and without a gap since `historyFrom`, ms.
-- Where changes are missing before the next ones, an entry without a key stands for the gap.
local HISTORY = KEYS[6]

local function recordChange(key, revision, epoch, times, value)
  if value then
    redis.call('XADD', HISTORY, '*', 'k', key, 'r', revision, 'e', epoch, 't', times, 'v', value)
  else
    redis.call('XADD', HISTORY, '*', 'k', key, 'r', revision, 'e', epoch, 't', times)
  end
end

-- ASKED: the greatest number of changes and their greatest age in ms, 0 for any; and the times of these changes.
-- CHANGES: key, revision, value or false, by turns.
local function record(asked, prev, revision, epoch, changes, mayTrim)
  local most, ageMs, times = string.match(asked, '^(%d+) (%d+) (.*)$')
  local found = redis.call('TYPE', HISTORY).ok
  if found ~= 'stream' and found ~= 'none' then redis.call('UNLINK', HISTORY) end
  local clock = redis.call('TIME')
  local nowMs = clock[1] * 1000 + math.floor(clock[2] / 1000)
  if found ~= 'stream' or redis.call('HGET', KEYS[1], 'historyAt') ~= prev then
    redis.call('XADD', HISTORY, '*', 'r', prev)
    redis.call('HSET', KEYS[1], 'historyFrom', string.format('%.0f', nowMs))
  end
  for i = 1, #changes, 3 do recordChange(changes[i], changes[i + 1], epoch, times, changes[i + 2]) end
  redis.call('HSET', KEYS[1], 'historyAt', revision)
  if not mayTrim then return end
  redis.call('XTRIM', HISTORY, 'MAXLEN', '~', most)
  -- Before Redis 6.2 a stream cannot be trimmed by age.
  if ageMs ~= '0' then redis.pcall('XTRIM', HISTORY, 'MINID', '~', string.format('%.0f', nowMs - ageMs)) end
end

