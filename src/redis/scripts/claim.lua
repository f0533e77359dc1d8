-- Claims the space under a new epoch, unless another owner holds the lease.
-- ARGV: 1 owner, 2 owner's name, 3 highest epoch that the claimer knows, 4 lease in ms, 5 channel,
--       6 the last moment at which the claim may be granted, by the server's clock, ms; empty for none,
--       7 the expiry of a lease that the claimer has watched to its end, server's time in ms, -1 for a lease
--         without an expiry; empty for none, 8 '1' where the claimer has led under the epoch that it knows,
--       9 '1' where it claims also while another owner holds the lease
-- Reply: the head, behind `claimed`, `held` or `late`
local owner, ownerName, known, leaseMs, channel, notAfter, outwaited, hasLed, takesOver = unpack(ARGV)

-- Its claimant has given the call up, and will not lead: granted now, the claim would fence a living owner.
if notAfter ~= '' and nowMs > tonumber(notAfter) then return head('late') end

local isHeld = rival(owner, known) or mayHaveHolder(known, hasLed)
if isHeld and not isOutwaited(outwaited) and takesOver ~= '1' then return head('held') end

-- An owner that may not run all that its scripts will call does not lead: half of a commit would look like keys
-- that were lost.
needs('HSET', META, 'fence', '0')
needs('HDEL', STATE, '')
needs('ZADD', INDEX, '0', '')
needs('ZREM', INDEX, '')
needs('ZREMRANGEBYRANK', TURN_INDEX, '0', '0')
needs('SET', LEASE, '', 'PX', '1')
needs('UNLINK', STATE)
needs('EXISTS', KEYS[9])
needs('RENAME', KEYS[9], STATE)
needs('APPEND', TIMES, '')
needs('PUBLISH', channel, '')

-- What an earlier attempt has staged is abandoned from now on.
discard(KEYS[9], KEYS[10])
-- The removed space begins anew, and what is left of it no longer expires.
if meta.removedAt ~= '0' then
  redis.call('UNLINK', META)
  meta.removedAt = '0'
end

-- Keys of another type go. What they stood for is lost, until the whole state is replaced: a state that has no
-- value left must not pass for an empty one.
local isLost = foreign[META] or foreign[STATE] or foreign[INDEX]
for key in pairs(foreign) do
  redis.call('UNLINK', key)
  foreign[key] = nil
end
if isLost then
  garbled, meta.size = true, '0'
  redis.call('HSET', META, 'size', 'lost')
end

-- What an earlier owner staged and did not finish is nobody's from now on. A turn in force stays.
if not isInForce() then discard(TURN_STATE, TURN_INDEX) end

-- The server's time is part of it, so that no epoch comes again after Redis has lost everything.
local epoch = math.max(tonumber(meta.fence) + 1, tonumber(known) + 1, math.floor(nowMs))
save({ format = isInForce() and TURN_FORMAT or FORMAT, fence = string.format('%.0f', epoch), owner = owner, ownerName = ownerName,
  leaseMs = leaseMs })
renew(owner, meta.fence, leaseMs)
-- An announcement of an earlier owner may still be on its way. It comes behind this message, so followers
-- ignore it.
redis.call('PUBLISH', channel, now .. '\n3 fence ' .. meta.fence)
return head('claimed')
