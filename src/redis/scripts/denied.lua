-- Which of some commands this user may not run on a space: asked after Redis has refused a script, since it does
-- not always name the command.
-- From Redis 7 on the server can be asked. Before, each command is tried in a form that changes nothing.
-- KEYS: 1 meta, 2 state, 3 index, 4 lease, 5 times, 6 history
-- ARGV: 1 channel, then the commands
-- Reply: those that are refused
local META, STATE, INDEX, LEASE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local NONE = META .. ':none'
local forms = {
  append = { KEYS[5], '' },
  exists = { META }, get = { LEASE }, hdel = { META, '' }, hget = { META, 'fence' }, hlen = { STATE },
  hmget = { META, 'fence' }, hset = { META, 'a', 'b', 'c' }, hstrlen = { STATE, '' }, pexpire = { NONE, '1' }, pttl = { LEASE },
  publish = { ARGV[1], '' }, spublish = { ARGV[1], '' }, rename = { NONE, NONE },
  set = { LEASE, '', 'PX', '' }, strlen = { LEASE },
  time = {}, type = { META }, unlink = { NONE }, zadd = { INDEX, 'XX', '0', '' }, zcard = { INDEX },
  xadd = { KEYS[6], '0-0', 'k', '' }, xrange = { KEYS[6], '-', '+', 'COUNT', '1' },
  xrevrange = { KEYS[6], '+', '-', 'COUNT', '1' }, xtrim = { NONE, 'MAXLEN', '~', '1' },
  zrange = { INDEX, '0', '0' }, zrangebyscore = { INDEX, '0', '0' }, zrem = { INDEX, '' },
  zremrangebyrank = { INDEX, '1', '0' }, zscore = { INDEX, '' },
}

local function isRefused(command)
  if redis.acl_check_cmd then
    local isKnown, isAllowed = pcall(redis.acl_check_cmd, command, unpack(forms[command]))
    return isKnown and not isAllowed
  end
  -- No form of PUBLISH is without an effect.
  if command == 'publish' then return false end
  local reply = redis.pcall(command, unpack(forms[command]))
  return type(reply) == 'table' and reply.err and string.find(reply.err, 'executing the script', 1, true)
end

local refused = {}
for i = 2, #ARGV do
  if isRefused(ARGV[i]) then refused[#refused + 1] = ARGV[i] end
end
return refused
