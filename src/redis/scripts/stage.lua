-- Writes a portion of a whole state beside the live keys. A stage that is abandoned expires by itself.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 the attempt, 5 '1' for its first portion,
--       6 the changes as in a frame
-- Reply: the head, behind `staged`, `fenced` or `head_moved`; the last also where another type was put into
--        the stage
local owner, leaseMs, epoch, attempt, isFirst, changes = unpack(ARGV)
local NEXT_STATE, NEXT_INDEX = KEYS[5], KEYS[6]
local LIFETIME_MS = 60000

local refused = refusal(owner, epoch)
if refused then return head(refused) end

-- A portion of an attempt that was given up may come late: it must not get into the stage of the next
-- attempt.
if isFirst == '1' then
  save({ attempt = attempt })
  redis.call('UNLINK', NEXT_STATE, NEXT_INDEX)
elseif redis.call('HGET', META, 'attempt') ~= attempt then
  return head('head_moved')
end
if not apply(NEXT_STATE, NEXT_INDEX, changes) then return head('head_moved') end
renew(owner, epoch, leaseMs)
redis.call('PEXPIRE', NEXT_STATE, LIFETIME_MS)
redis.call('PEXPIRE', NEXT_INDEX, LIFETIME_MS)
return head('staged')
