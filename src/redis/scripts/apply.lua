-- Applies the changes of a frame. Behind its first line come three lines a change: key, revision, and value,
-- empty for a delete. In portions, since Lua can pass only so many arguments at once.
-- Returns by how many the values in `state` and the keys in `index` have grown. Nil where one of the two keys
-- is of another type: some of the changes may be written then.

-- As redis.call. Nil where the key is of another type.
local function write(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call(...)
end

local function apply(state, index, frame)
  local find, sub = string.find, string.sub
  local PORTION, last = 1000, #frame
  local sets, scores, deletes = {}, {}, {}
  local s, n, d = 0, 0, 0
  local grown, listed = 0, 0
  local at = find(frame, '\n', 1, true)
  while at do
    local keyEnd = find(frame, '\n', at + 1, true)
    local revisionEnd = find(frame, '\n', keyEnd + 1, true)
    local valueEnd = find(frame, '\n', revisionEnd + 1, true)
    local key = sub(frame, at + 1, keyEnd - 1)
    n = n + 2
    scores[n - 1], scores[n] = sub(frame, keyEnd + 1, revisionEnd - 1), key
    if (valueEnd or last + 1) == revisionEnd + 1 then
      d = d + 1
      deletes[d] = key
    else
      s = s + 2
      sets[s - 1], sets[s] = key, sub(frame, revisionEnd + 1, (valueEnd or last + 1) - 1)
    end
    at = valueEnd
    if n >= PORTION or not at then
      local added = write('ZADD', index, unpack(scores, 1, n))
      local set = added and (s == 0 and 0 or write('HSET', state, unpack(sets, 1, s)))
      local deleted = set and (d == 0 and 0 or write('HDEL', state, unpack(deletes, 1, d)))
      if not deleted then return nil end
      listed, grown = listed + added, grown + set - deleted
      s, n, d = 0, 0, 0
    end
  end
  return grown, listed
end

