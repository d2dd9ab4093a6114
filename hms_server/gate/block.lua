-- A block after too much of something: each further one lasts twice as long, up to a bound. A quiet time
-- after the last one forgives. KEYS of one: counter, block, how many blocks there were.

-- Milliseconds that are left of a block; 0 where there is none.
local function blocked_ms(block)
  return math.max(0, redis.call('PTTL', block))
end

-- Starts a block and its counter anew; returns its length in ms. Times in s.
local function start_block(counter, block, times, first, bound, quiet)
  local before = redis.call('INCR', times) - 1
  local seconds = math.min(bound, first * 2 ^ before)
  redis.call('EXPIRE', times, seconds + quiet)
  redis.call('SET', block, '1', 'EX', seconds)
  redis.call('DEL', counter)
  return seconds * 1000
end
