-- Tries to log in to one account. An address from which its user logged in before is known and has tries of
-- its own. All other addresses share the account's tries, and the last one that an address has of its own is
-- none of the shared: whoever guesses from one place leaves one to the right user elsewhere.
-- KEYS: counter, block and number of blocks of account and address; the same three of the account;
--       whether the address is known
-- ARGV: limit, window in s, first block in s, bound, quiet time
-- Returns {outcome, limit, remaining, reset in ms, first}.
local known = redis.call('EXISTS', KEYS[7]) == 1
local blocked = blocked_ms(KEYS[2])
if not known then blocked = math.max(blocked, blocked_ms(KEYS[5])) end
if blocked > 0 then return {4, 0, 0, blocked, 0} end

local limit, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
local own = limit
local bucket_ms = window_ms / BUCKETS
local now = now_ms()
local bucket = math.floor(now / bucket_ms)
local sum = live_sum(KEYS[1], bucket, window_ms)
local over = sum + 1 > own and 1 or nil
if not known and not over and live_sum(KEYS[4], bucket, window_ms) + 1 > limit then over = 4 end
if over then
  local wait = start_block(KEYS[over], KEYS[over + 1], KEYS[over + 2],
    tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
  return {4, own, 0, wait, 1}
end
take(KEYS[1], bucket, 1, window_ms)
if not known and sum < limit - 1 then take(KEYS[4], bucket, 1, window_ms) end
return {0, own, own - sum - 1, (bucket + BUCKETS + 1) * bucket_ms - now, 0}
