-- Reads the history, newest entry first. It looks at one entry at a time, so that it never fetches more than it
-- returns and one long value.
-- ARGV: 1 the id to begin at, or `+`, 2 the id to end at, or `-`, 3 a key, or empty for all, 4 the greatest number of
--       changes
-- Reply: the head, behind `page`; up to which revision the history is complete, and since when, ms; the id of the
--        oldest entry, and '1' where that stands for a gap, so that nothing was trimmed; the id to go on at, or
--        empty at the end; then for each change its key, revision, epoch, times, '1' where it has a value, the value
local start, stop, key, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local HISTORY = KEYS[6]
local MOST_ENTRIES, MOST = 1000, 512 * 1024

local reply = head('page')
local at = #reply
local oldest = read('XRANGE', HISTORY, '-', '+', 'COUNT', 1)
oldest = oldest and oldest[1]
reply[at + 1], reply[at + 2] = meta.historyAt, meta.historyFrom
reply[at + 3], reply[at + 4] = oldest and oldest[1] or '', oldest and oldest[2][1] ~= 'k' and '1' or '0'
reply[at + 5] = ''
if not oldest then return reply end

-- The id before another one.
local function before(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if seq ~= '0' then return ms .. '-' .. string.format('%.0f', seq - 1) end
  return string.format('%.0f', ms - 1) .. '-18446744073709551615'
end

local filled, found, looked, size = at + 5, 0, 0, 0
while true do
  if found == limit or looked == MOST_ENTRIES or size >= MOST then
    reply[at + 5] = start
    return reply
  end
  local entry = redis.call('XREVRANGE', HISTORY, start, stop, 'COUNT', 1)[1]
  if not entry then return reply end
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  looked, size = looked + 1, size + #(fields.v or '')
  if fields.k and (key == '' or fields.k == key) then
    reply[filled + 1], reply[filled + 2], reply[filled + 3] = fields.k, fields.r, fields.e
    reply[filled + 4], reply[filled + 5], reply[filled + 6] = fields.t or '', fields.v and '1' or '0', fields.v or ''
    filled, found = filled + 6, found + 1
  end
  start = before(entry[1])
end
