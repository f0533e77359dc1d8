-- Writes a portion of a whole state, or of a turn, beside the live keys. The portion of a turn is published as
-- well, so that readers have prepared it by the time the turn is in force.
-- What is staged never expires: Redis would free a large key that does so in one stretch. A stage that is
-- abandoned is unlinked by the next claim, stage or release.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch, 4 the attempt, 5 '1' for its first portion,
--       6 the number of texts, then the texts of the changes, as in a frame; behind them, for a turn only:
--       channel, the first line of its part
-- Reply: the head, behind `staged`, `fenced` or `head_moved`; the last also where another type was put into
--        the stage
local owner, leaseMs, epoch, attempt, isFirst, texts = unpack(ARGV, 1, 6)
local FIRST_TEXT, LAST_TEXT = 7, 6 + texts
local channel, part = ARGV[LAST_TEXT + 1], ARGV[LAST_TEXT + 2]
local NEXT_STATE, NEXT_INDEX = KEYS[9], KEYS[10]
if part then NEXT_STATE, NEXT_INDEX = TURN_STATE, TURN_INDEX end

local refused = refusal(owner, epoch)
if refused then return head(refused) end
-- A turn in force is settled before the next one is staged.
if part and isInForce() then return head('head_moved') end

-- A portion of an attempt that was given up may come late: it must not get into the stage of the next
-- attempt.
if isFirst == '1' then
  save({ attempt = attempt })
  discard(NEXT_STATE, NEXT_INDEX)
elseif redis.call('HGET', META, 'attempt') ~= attempt then
  return head('head_moved')
end
if not apply(NEXT_STATE, NEXT_INDEX, FIRST_TEXT, LAST_TEXT) then return head('head_moved') end
renew(owner, epoch, leaseMs)
if part then redis.call('PUBLISH', channel, joined(now .. '\n' .. part, FIRST_TEXT, LAST_TEXT)) end
return head('staged')
