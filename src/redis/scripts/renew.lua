-- Renews the lease, and nothing else: for an owner that still reads the state that it has claimed.
-- ARGV: 1 owner, 2 lease in ms, 3 epoch
-- Reply: the head, behind `renewed`, `fenced` or `head_moved`
local owner, leaseMs, epoch = unpack(ARGV)

local refused = refusal(owner, epoch)
if refused then return head(refused) end
renew(owner, epoch, leaseMs)
return head('renewed')
