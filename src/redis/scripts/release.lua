-- Gives up the lease, if this owner has it, and publishes the goodbye.
-- ARGV: 1 owner, 2 epoch, 3 channel, 4 header of the goodbye, empty where none is to be published,
--       5 what stands for the owner from now on: empty where it has committed everything, else `-`
-- Reply: the head, behind `released` or `refused`
local owner, epoch, channel, header, left = unpack(ARGV)

if refusal(owner, epoch) then return head('refused') end
-- Also what was staged, and will not be put in place any more.
redis.call('UNLINK', LEASE)
discard(KEYS[9], KEYS[10])
if not isInForce() then discard(TURN_STATE, TURN_INDEX) end
if header ~= '' then redis.call('PUBLISH', channel, now .. '\n' .. header) end
-- A commit that its owner has given up may come late: without this it would take the lease again.
redis.call('HSET', META, 'owner', left)
return head('released')
