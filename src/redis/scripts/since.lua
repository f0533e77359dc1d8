-- What changed since a position: the head, and a page of the changed keys in revision order.
-- ARGV: 1 epoch, 2 revision, 3 limit, 4 horizon of the full sync that this page goes on with, else 0,
--       5 the highest epoch that the asker has seen
-- Reply: the head, whether the page begins a full sync, whether more follow, then key, revision, value a change.
local epoch, from, limit, seen = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])

-- An asker that has seen a higher epoch will take nothing below it. The fence rises to it, so that the owner
-- claims above. A day is more than clocks differ by; what is further off is no epoch of ours.
if meta.fence ~= '0' and seen > tonumber(meta.fence) and seen < tonumber(now) + 86400000 then
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
if limit == 0 then return reply end

-- Values are fetched in portions, and the page ends early when it has grown large.
local LARGE, PORTION = 1024 * 1024, 16
local found = redis.call('ZRANGEBYSCORE', INDEX, '(' .. string.format('%.0f', from), '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
local size, at = 0, 1
while at <= #found and size < LARGE do
  local keys = {}
  for i = at, math.min(at + 2 * PORTION, #found + 1) - 1, 2 do keys[#keys + 1] = found[i] end
  for i, value in ipairs(redis.call('HMGET', STATE, unpack(keys))) do
    reply[#reply + 1] = keys[i]
    reply[#reply + 1] = found[at + 2 * i - 1]
    reply[#reply + 1] = value or ''
    size = size + #(value or '')
  end
  at = at + 2 * #keys
end
if at <= #found or #found == 2 * limit then reply[before] = '1' end
return reply
