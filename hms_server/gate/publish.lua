-- Versions only move forward; a revoked session stays revoked.
-- KEYS: tenant hash, user version, session state
-- ARGV: life of the keys in s; tenant version ('' to leave), tenant order, user version ('' to leave),
--       session state ('' to leave, '1' active, '0' revoked), life of a revocation in s,
--       then tier and limit pairs of the tenant
local life = tonumber(ARGV[1])
if ARGV[2] ~= '' then
  local order = redis.call('HGET', KEYS[1], 'o')
  if not order or tonumber(ARGV[3]) >= tonumber(order) then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'pv', ARGV[2], 'o', ARGV[3], unpack(ARGV, 7))
    redis.call('EXPIRE', KEYS[1], life)
  end
end
if ARGV[4] ~= '' then
  local version = redis.call('GET', KEYS[2])
  if not version or tonumber(ARGV[4]) >= tonumber(version) then
    redis.call('SET', KEYS[2], ARGV[4], 'EX', life)
  end
end
if ARGV[5] == '0' then redis.call('SET', KEYS[3], '0', 'EX', ARGV[6])
elseif ARGV[5] == '1' then redis.call('SET', KEYS[3], '1', 'EX', life, 'NX') end
return 1
