-- Gives up the lease, if this owner has it, and publishes the goodbye.
-- ARGV: 1 owner, 2 epoch, 3 channel, 4 header, empty where there is nobody to say goodbye to
if refusal(ARGV[1], ARGV[2]) then return head('refused') end
redis.call('DEL', LEASE)
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[3], now .. '\n' .. ARGV[4]) end
-- A commit that was given up may come late: it is not to take the lease again.
redis.call('HSET', META, 'owner', '')
return head('released')
