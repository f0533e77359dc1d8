-- Writes a portion of a whole state beside the live keys. Abandoned portions expire by themselves.
-- ARGV: 1 owner, 2 epoch, 3 '1' for the first portion, then changes
local refused = refusal(ARGV[1], ARGV[2])
if refused then return head(refused) end

if ARGV[3] == '1' then redis.call('DEL', KEYS[5], KEYS[6]) end
apply(KEYS[5], KEYS[6], 4)
redis.call('PEXPIRE', KEYS[5], 60000)
redis.call('PEXPIRE', KEYS[6], 60000)
return head('staged')
