-- For callers who are not logged in.
-- KEYS: counter, block flag ('' as counter: nothing is counted)
-- ARGV: limit, window in s, block in s when over the limit (0: do not block)
-- Returns {outcome, limit, remaining, reset in ms, first}.
local blocked = redis.call('PTTL', KEYS[2])
if blocked > 0 then return {5, 0, 0, blocked, 0} end
local limit, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
local bucket_ms = window_ms / BUCKETS
local now = now_ms()
local bucket = math.floor(now / bucket_ms)
local sum = live_sum(KEYS[1], bucket)
if sum + 1 > limit then
  local block = tonumber(ARGV[3])
  if block > 0 then
    redis.call('SET', KEYS[2], '1', 'EX', block)
    return {5, limit, 0, block * 1000, 1}
  end
  local first = redis.call('HINCRBY', KEYS[1], 'r', 1) == 1 and 1 or 0
  return {4, limit, 0, wait_ms(KEYS[1], bucket, bucket_ms, now), first}
end
take(KEYS[1], bucket, 1, window_ms)
return {0, limit, limit - sum - 1, (bucket + BUCKETS + 1) * bucket_ms - now, 0}
