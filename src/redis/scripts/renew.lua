-- Renews the lease, and nothing else: while an owner still reads the state that it has claimed.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch
local refused = refusal(ARGV[1], ARGV[3])
if refused then return head(refused) end
renew(ARGV[1], ARGV[3], ARGV[2])
return head('renewed')
