-- Claims the space under a new epoch, unless another owner holds the lease.
-- ARGV: 1 owner, 2 owner's name, 3 highest epoch that the claimer knows, 4 lease in ms, 5 channel,
--       6 the last moment at which the claim may be granted, by the server's clock, ms; empty for none
-- Reply: the head, behind `claimed`, `held` or `late`
local owner, ownerName, known, leaseMs, channel, notAfter = unpack(ARGV)

-- Its claimant has given the call up, and will not lead: granted now, the claim would fence a living owner.
if notAfter ~= '' and nowMs > tonumber(notAfter) then return head('late') end
if rival(owner, known) then return head('held') end

-- The server's time is part of it, so that no epoch comes again after Redis has lost everything.
local epoch = math.max(tonumber(meta.fence) + 1, tonumber(known) + 1, math.floor(nowMs))
save({ format = FORMAT, fence = string.format('%.0f', epoch), owner = owner, ownerName = ownerName })
renew(owner, meta.fence, leaseMs)
-- An announcement of an earlier owner may still be on its way. It comes behind this message, so followers
-- ignore it.
redis.call('PUBLISH', channel, now .. '\n3 fence ' .. meta.fence)
return head('claimed')
