-- Behind commit.lua and head.lua: why the cut was refused.
-- ARGV: as commit's
-- Reply: the head, behind `fenced`, `head_moved` or `keys_lost`
local owner, epoch = ARGV[1], ARGV[2]
return head(refusal(owner, epoch) or keysLost() and 'keys_lost' or 'head_moved')
