-- Behind commit.lua and head.lua: why the cut was not accepted.
return head(refusal(ARGV[1], ARGV[2]) or keysLost() and 'keys_lost' or 'head_moved')
