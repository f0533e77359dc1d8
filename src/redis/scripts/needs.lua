-- Redis undoes nothing of a script that fails. So a command that this user may not run fails here, before the
-- first write. Before Redis 7 no script can ask: there, what could leave half of a change is tried in a form that
-- changes nothing.
local mayRun = redis.acl_check_cmd
local function needs(command, key, ...)
  if mayRun then
    if not mayRun(command, key, ...) then redis.call(command, key, ...) end
    return
  end
  local reply
  if command == 'HSET' then reply = redis.pcall('HSET', key, '', '', '')
  elseif command == 'HDEL' or command == 'ZREM' then reply = redis.pcall(command, key, '')
  elseif command == 'ZADD' then reply = redis.pcall('ZADD', key, 'XX', '0', '')
  elseif command == 'ZREMRANGEBYRANK' then reply = redis.pcall(command, key, '1', '0')
  elseif command == 'APPEND' then reply = redis.pcall('APPEND', key, '')
  elseif command == 'XADD' then reply = redis.pcall('XADD', key, '0-0', 'k', '')
  elseif command == 'RENAME' then reply = redis.pcall('RENAME', KEYS[1] .. ':none', KEYS[1] .. ':none')
  elseif command == 'UNLINK' then reply = redis.pcall('UNLINK', KEYS[1] .. ':none') end
  if type(reply) == 'table' and reply.err and string.find(reply.err, 'executing the script', 1, true) then
    redis.call(command, key, ...)
  end
end

