-- What changed since a position: the head, and a page of the changed keys in revision order.
-- ARGV: 1 epoch, 2 revision, 3 limit, 4 horizon of the full sync that this page continues, else 0,
--       5 the highest epoch that the asker has seen, 6 '1' where its last reading of all keys was not the
--       owner's state, 7 '1' for the times of all keys with the last page where it has
--       changes, '2' with any last page, 8 the length from which values are left
--       out, bytes; nothing for no such length
-- Reply: the head, behind `page`; '1' where the page begins a full sync; '1' where more pages follow; the times;
--        the changes as in a frame, as texts to be joined. (A list of a thousand strings would cost both sides
--        more than its content does.) For a value that is left out a text has a line break and the number of
--        its key in KEYS.
local epoch, from, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local horizon, seen, tooLong = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[8] or math.huge)
local CENTURY_MS = 3155760000000

-- An asker that has seen a higher epoch accepts nothing below it. So the fence rises to that epoch, and the
-- owner claims above it. The server's clock may have been far ahead, and was set right since. Only an epoch
-- that would leave no room for claims, up to 2^53, is none of ours. And a space that was removed is as it was then.
local isOurs = meta.fence ~= '0' and meta.removedAt == '0' and tonumber(seen) < nowMs + CENTURY_MS
if isOurs and tonumber(seen) > tonumber(meta.fence) then
  save({ fence = seen })
end

-- The owner then compares its keys at once. It alone can say who is right.
if ARGV[6] == '1' and meta.fence ~= '0' then
  save({ doubtedAt = string.format('%.0f', math.floor(nowMs)) })
end

local continues = epoch == meta.epoch or (epoch == meta.baseEpoch and from <= tonumber(meta.baseRevision))
local remembered = tonumber(meta.horizon) <= math.max(from, horizon)
local full = not (continues and remembered)
if full then from = 0 end

local reply = head('page')
local MORE = #reply + 2
local before = MORE + 1
reply[MORE - 1] = full and '1' or '0'
reply[MORE] = '0'
reply[before] = ''
reply[before + 1] = ''
if limit == 0 then return reply end

-- Lengths are looked at before anything is fetched: a page has at most MOST bytes, or a single change. So
-- it holds the server for a few ms, whatever the values are. A long value stands in the reply by itself:
-- putting it together with others would copy it twice more.
local MOST, PORTION, LONG = 512 * 1024, 50, 4096
local call, find = redis.call, string.find
local lines, filled, texts = { '' }, 1, before
local after = '(' .. string.format('%.0f', from)
-- Where one of these keys is of another type, nothing is known to be deleted: the page has no changes.
local isForeign = foreign[STATE] or foreign[INDEX]
  or isInForce() and (foreign[TURN_STATE] or foreign[TURN_INDEX])
local function changedIn(index)
  if isForeign then return {} end
  return redis.call('ZRANGEBYSCORE', index, after, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
end
local found, ofTurn = changedIn(INDEX), {}
-- A key of a turn in force may be among the live keys as well, of an earlier or a later revision. It comes
-- twice then, in revision order, so that its latest value comes last.
if isInForce() then
  local live, turn, i, j = found, changedIn(TURN_INDEX), 1, 1
  found = {}
  while #found < 2 * limit and (live[i] or turn[j]) do
    local at = #found + 1
    if not live[i] or turn[j] and tonumber(turn[j + 1]) < tonumber(live[i + 1]) then
      found[at], found[at + 1], ofTurn[at], j = turn[j], turn[j + 1], true, j + 2
    else
      found[at], found[at + 1], i = live[i], live[i + 1], i + 2
    end
  end
end
local size, at, last = 0, 1, #found
while at <= last and size <= MOST do
  local keys, count, place = {}, 0, ofTurn[at] and 7 or 2
  local fetched, leftOut = {}, {}
  for i = at, math.min(at + 2 * PORTION, last + 1) - 1, 2 do
    if ofTurn[i] ~= ofTurn[at] then break end
    local key = found[i]
    local length = call('HSTRLEN', KEYS[place], key)
    size = size + #key + length
    if size > MOST and i > 1 then break end
    count = count + 1
    keys[count] = key
    if length < tooLong or find(key, '\n', 1, true) then fetched[#fetched + 1] = key
    else leftOut[count] = true end
  end
  local values, v = #fetched > 0 and call('HMGET', KEYS[place], unpack(fetched)), 0
  for i = 1, count do
    local key, value = keys[i], ''
    if not leftOut[i] then
      v = v + 1
      value = values[v] or ''
    end
    -- Somebody else may have written line breaks into them. In JSON a tab may stand wherever a line break
    -- may. A key may have neither, so it becomes an empty one, which is no key: the reader finds the damage.
    if find(value, '\n', 1, true) then value = string.gsub(value, '\n', '\t') end
    if find(key, '\n', 1, true) then key = '' end
    lines[filled + 1], lines[filled + 2], lines[filled + 3] = key, found[at + 2 * i - 1], value
    filled = filled + 3
    if leftOut[i] or #value > LONG then
      lines[filled] = ''
      reply[texts + 1] = table.concat(lines, '\n', 1, filled)
      reply[texts + 2] = leftOut[i] and '\n' .. place or value
      texts, filled = texts + 2, 1
    end
  end
  at = at + 2 * count
end
if at <= last or last == 2 * limit then reply[MORE] = '1'
elseif ARGV[7] == '2' or ARGV[7] == '1' and (full or last > 0) then reply[before] = read('GET', TIMES) or '' end
reply[texts + 1] = table.concat(lines, '\n', 1, filled)
return reply
