-- Applies the changes of a frame; it stands behind needs.lua. Behind the frame's first line come three lines a
-- change: key, revision, and value, which is empty for a delete. It works in portions, since Lua can pass only so
-- many arguments at once.
-- A frame comes as texts, ARGV[first] to ARGV[last]: lines, and long values by turns. A long value stands behind
-- the lines of its key and revision. To cut it out of the lines, Lua would copy it once more.
-- CHANGES, where it is given, gets key, revision, and value or false, by turns.
-- Returns by how many the values in `state` and the keys in `index` have grown. Nil where one of the two keys
-- is of another type: some of the changes may be written then.

-- As redis.call. Nil where the key is of another type.
local function write(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call(...)
end

local function apply(state, index, first, last, changes)
  local find, sub = string.find, string.sub
  local PORTION = 1000
  local sets, scores, deletes = {}, {}, {}
  local s, n, d = 0, 0, 0
  local grown, listed = 0, 0
  local function put()
    needs('HSET', state, scores[2], '')
    if d > 0 then needs('HDEL', state, deletes[1]) end
    local added = write('ZADD', index, unpack(scores, 1, n))
    local set = added and (s == 0 and 0 or write('HSET', state, unpack(sets, 1, s)))
    local deleted = set and (d == 0 and 0 or write('HDEL', state, unpack(deletes, 1, d)))
    if not deleted then return false end
    listed, grown = listed + added, grown + set - deleted
    s, n, d = 0, 0, 0
    return true
  end
  for text = first, last, 2 do
    local lines, value = ARGV[text], text < last and ARGV[text + 1]
    local length = #lines
    local at = find(lines, '\n', 1, true)
    while at do
      local keyEnd = find(lines, '\n', at + 1, true)
      local revisionEnd = find(lines, '\n', keyEnd + 1, true)
      local valueEnd = find(lines, '\n', revisionEnd + 1, true)
      local key = sub(lines, at + 1, keyEnd - 1)
      n = n + 2
      scores[n - 1], scores[n] = sub(lines, keyEnd + 1, revisionEnd - 1), key
      local isDelete = false
      if value and revisionEnd == length then
        s = s + 2
        sets[s - 1], sets[s] = key, value
      elseif (valueEnd or length + 1) == revisionEnd + 1 then
        d = d + 1
        deletes[d] = key
        isDelete = true
      else
        s = s + 2
        sets[s - 1], sets[s] = key, sub(lines, revisionEnd + 1, (valueEnd or length + 1) - 1)
      end
      if changes then
        local c = #changes
        changes[c + 1], changes[c + 2], changes[c + 3] = key, scores[n - 1], not isDelete and sets[s]
      end
      at = valueEnd
      if n >= PORTION and not put() then return nil end
    end
  end
  if n > 0 and not put() then return nil end
  return grown, listed
end

-- A frame as it is published: its texts behind others. For one long value in one operation, which copies once.
local function joined(start, first, last)
  if first == last then return start .. ARGV[first] end
  if first + 2 == last then return start .. ARGV[first] .. ARGV[first + 1] .. ARGV[last] end
  return start .. table.concat(ARGV, '', first, last)
end

