-- Sliding window in ten buckets, kept in one hash: field b is the newest bucket's number, s the sum of
-- the live ones, w the window's length, r how often it refused; the rest are counts by bucket number. The
-- oldest bucket counts whole until it has left the window, so no window of the given length ever holds
-- more than the limit.

local BUCKETS = 10

local function live_sum(key, bucket, window_ms)
  local head = redis.call('HMGET', key, 'b', 's', 'w')
  if not head[1] then return 0 end
  if tonumber(head[3]) ~= window_ms then
    -- The window has another length since: its buckets cannot be compared.
    redis.call('DEL', key)
    return 0
  end
  -- The clock went back by more than a window: nobody waits until it has caught up.
  if tonumber(head[1]) > bucket + BUCKETS then
    redis.call('DEL', key)
    return 0
  end
  if tonumber(head[1]) >= bucket then return tonumber(head[2]) end
  local sum, old = 0, {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local number = tonumber(all[i])
    if number then
      if number < bucket - BUCKETS then old[#old + 1] = all[i]
      else sum = sum + tonumber(all[i + 1]) end
    end
  end
  old[#old + 1] = 'r'
  redis.call('HDEL', key, unpack(old))
  redis.call('HSET', key, 'b', bucket, 's', sum)
  return sum
end

local function take(key, bucket, weight, window_ms)
  redis.call('HINCRBY', key, 's', weight)
  if redis.call('HINCRBY', key, bucket, weight) == weight then
    -- The newest bucket stays the newest where the clock went back.
    local newest = math.max(bucket, tonumber(redis.call('HGET', key, 'b') or bucket))
    redis.call('HSET', key, 'b', newest, 'w', window_ms)
    redis.call('PEXPIRE', key, window_ms * 2)
  end
end

-- Milliseconds until the oldest live bucket leaves the window.
local function wait_ms(key, bucket, bucket_ms, now_ms)
  local oldest = bucket
  local all = redis.call('HKEYS', key)
  for i = 1, #all do
    local number = tonumber(all[i])
    if number and number < oldest then oldest = number end
  end
  return math.max(1, (oldest + BUCKETS + 1) * bucket_ms - now_ms)
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
