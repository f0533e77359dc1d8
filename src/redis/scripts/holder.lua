-- Stands behind head.lua, before the scripts that need a space which nobody holds.

-- A lease is an absolute time of the server's clock, which may have been set back; and somebody else may have
-- written it. So its end by that clock is not all that counts. A claimer that has seen the same expiry for as
-- long as the lease was asked for has seen no renewal, and its holder is gone.
local function isOutwaited(outwaited)
  local ttl = redis.call('PTTL', LEASE)
  if ttl == -1 then return outwaited == '-1' end
  return outwaited ~= '' and outwaited ~= '-1' and math.abs(nowMs + ttl - tonumber(outwaited)) <= 2
end

-- The holder of a lease that somebody else wrote is not known. It may be any living owner but one that has
-- given up the space, and it is no rival of the owner that led last.
local function mayHaveHolder(known, hasLed)
  local held = lease()
  if not held or held.epoch then return false end
  local isReleased = (meta.owner == '' or meta.owner == '-') and meta.fence ~= '0'
  return not isReleased and not (hasLed == '1' and tonumber(meta.fence) <= tonumber(known))
end
