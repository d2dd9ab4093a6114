-- A right password: its address is known from here on, and starts anew. What other addresses did to the
-- account stays counted, but for this one try.
-- KEYS: as of login.lua
-- ARGV: how long an address stays known, in s
if redis.call('EXISTS', KEYS[7]) == 0 then
  local head = redis.call('HMGET', KEYS[4], 'b', 's')
  if head[1] and tonumber(redis.call('HGET', KEYS[4], head[1]) or '0') > 0 then
    redis.call('HINCRBY', KEYS[4], head[1], -1)
    redis.call('HINCRBY', KEYS[4], 's', -1)
  end
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('SET', KEYS[7], '1', 'EX', ARGV[1])
return {0, 0, 0, 0, 0}
