-- One round trip: permission version, session, rate limits of user and tenant.
-- KEYS: tenant hash, user version, session state, user counter, tenant counter
-- ARGV: permission version of the token, tier, default limit, default window in s, tenant factor, weight
-- Returns {outcome, limit, remaining, reset in ms, first refusal in this bucket, what calls of the tenant
-- may be at most or nil}.
local tenant = redis.call('HMGET', KEYS[1], 'pv', ARGV[2], 'barred', 'calls')
local user = redis.call('GET', KEYS[2])
local session = redis.call('GET', KEYS[3])
if tenant[3] then return {6, 0, 0, 0, 0} end
if not tenant[1] or not user or not session then return {1, 0, 0, 0, 0} end
if session == '0' then return {3, 0, 0, 0, 0} end
if tonumber(tenant[1]) + tonumber(user) ~= tonumber(ARGV[1]) then return {2, 0, 0, 0, 0} end

local limit, window = tonumber(ARGV[3]), tonumber(ARGV[4])
if limit == 0 then return {0, 0, 0, 0, 0, tenant[4]} end
if tenant[2] then
  local colon = string.find(tenant[2], ':', 1, true)
  limit, window = tonumber(string.sub(tenant[2], 1, colon - 1)), tonumber(string.sub(tenant[2], colon + 1))
end
-- A call that weighs more than the whole limit takes all of it: it would never pass otherwise.
local weight = math.min(tonumber(ARGV[6]), limit)
local window_ms = window * 1000
local bucket_ms = window_ms / BUCKETS
local now = now_ms()
local bucket = math.floor(now / bucket_ms)
local user_sum = live_sum(KEYS[4], bucket, window_ms)
local tenant_sum = live_sum(KEYS[5], bucket, window_ms)
if user_sum + weight > limit or tenant_sum + weight > limit * tonumber(ARGV[5]) then
  local over = user_sum + weight > limit and KEYS[4] or KEYS[5]
  local first = redis.call('HINCRBY', over, 'r', 1) == 1 and 1 or 0
  return {4, limit, 0, wait_ms(over, bucket, bucket_ms, now), first, tenant[4]}
end
take(KEYS[4], bucket, weight, window_ms)
take(KEYS[5], bucket, weight, window_ms)
return {0, limit, limit - user_sum - weight, (bucket + BUCKETS + 1) * bucket_ms - now, 0, tenant[4]}
