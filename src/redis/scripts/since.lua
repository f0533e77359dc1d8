-- What changed since a position: the head, and a page of the changed keys in revision order.
-- ARGV: 1 epoch, 2 revision, 3 limit, 4 horizon of the full sync that this page goes on with, else 0,
--       5 the highest epoch that the asker has seen
-- Reply: the head, whether the page begins a full sync, whether more follow, and the changes as a frame has them, as one
-- text: a thousand strings would take both sides longer than what is in them.
local epoch, from, limit, seen = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])

-- An asker that has seen a higher epoch will take nothing below it. The fence rises to it, so that the owner
-- claims above. A day is more than clocks differ by; what is further off is no epoch of ours.
if meta.fence ~= '0' and seen > tonumber(meta.fence) and seen < nowMs + 86400000 then
  save({ fence = ARGV[5] })
end

local continues = epoch == meta.epoch or (epoch == meta.baseEpoch and from <= tonumber(meta.baseRevision))
local remembered = tonumber(meta.horizon) <= math.max(from, tonumber(ARGV[4]))
local full = not (continues and remembered)
if full then from = 0 end

local reply = head('page')
local before = #reply + 2
reply[before - 1] = full and '1' or '0'
reply[before] = '0'
reply[before + 1] = ''
if limit == 0 then return reply end

-- Values are fetched in portions, and the page ends early when it has grown large.
local LARGE, PORTION = 1024 * 1024, 16
local lines, filled = { '' }, 1
local found = redis.call('ZRANGEBYSCORE', INDEX, '(' .. string.format('%.0f', from), '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
local size, at, last = 0, 1, #found
while at <= last and size < LARGE do
  local keys, count = {}, 0
  for i = at, math.min(at + 2 * PORTION, last + 1) - 1, 2 do
    count = count + 1
    keys[count] = found[i]
  end
  local values = redis.call('HMGET', STATE, unpack(keys))
  for i = 1, count do
    local key, value = keys[i], values[i] or ''
    -- Someone else may have written them. In JSON a tab may stand where a line break may, and nowhere else; in a key neither may, nor
    -- may it be empty.
    if string.find(value, '\n', 1, true) then value = string.gsub(value, '\n', '\t') end
    if string.find(key, '\n', 1, true) then key = '' end
    lines[filled + 1], lines[filled + 2], lines[filled + 3] = key, found[at + 2 * i - 1], value
    filled = filled + 3
    size = size + #value
  end
  at = at + 2 * count
end
if at <= last or last == 2 * limit then reply[before] = '1' end
reply[before + 1] = table.concat(lines, '\n')
return reply
