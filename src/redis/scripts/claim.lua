-- Claims the space under a new epoch, unless another owner holds the lease.
-- ARGV: 1 owner, 2 owner's name, 3 highest epoch known to it, 4 lease in ms, 5 channel
local owner, ownerName, known, leaseMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if rival(owner, known) then return head('held') end

-- The server's time takes part so that no epoch comes again after Redis has lost everything.
local epoch = math.max(tonumber(meta.fence) + 1, tonumber(known) + 1, math.floor(nowMs))
save({ format = FORMAT, fence = string.format('%.0f', epoch), owner = owner, ownerName = ownerName })
renew(owner, meta.fence, leaseMs)
-- An announcement of an earlier owner that is still on its way comes behind this, and is not taken.
redis.call('PUBLISH', ARGV[5], now .. '\n2 fence ' .. meta.fence)
return head('claimed')
