-- Gives up the lease, if this owner has it, and publishes the goodbye.
-- ARGV: 1 owner, 2 epoch, 3 channel, 4 header
if refusal(ARGV[1], ARGV[2]) then return head('refused') end
redis.call('DEL', LEASE)
redis.call('PUBLISH', ARGV[3], now .. '\n' .. ARGV[4])
return head('released')
