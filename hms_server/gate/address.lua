-- For callers who are not logged in, by address.
-- KEYS: counter, block, number of blocks
-- ARGV: limit (0: only look for a block), window in s, first block in s (0: do not block), bound, quiet time
-- Returns {outcome, limit, remaining, reset in ms, first}.
local blocked = blocked_ms(KEYS[2])
if blocked > 0 then return {5, 0, 0, blocked, 0} end
local limit, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
if limit == 0 then return {0, 0, 0, 0, 0} end
local bucket_ms = window_ms / BUCKETS
local now = now_ms()
local bucket = math.floor(now / bucket_ms)
local sum = live_sum(KEYS[1], bucket, window_ms)
if sum + 1 > limit then
  local block = tonumber(ARGV[3])
  if block > 0 then
    return {5, limit, 0, start_block(KEYS[1], KEYS[2], KEYS[3], block, tonumber(ARGV[4]), tonumber(ARGV[5])), 1}
  end
  local first = redis.call('HINCRBY', KEYS[1], 'r', 1) == 1 and 1 or 0
  return {4, limit, 0, wait_ms(KEYS[1], bucket, bucket_ms, now), first}
end
take(KEYS[1], bucket, 1, window_ms)
return {0, limit, limit - sum - 1, (bucket + BUCKETS + 1) * bucket_ms - now, 0}
