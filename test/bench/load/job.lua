-- 20 calls on hashes, lists and sorted sets, as a queue library makes them.
-- KEYS: id counter, waiting list, active list, completed set, prefix of jobs, meta hash
-- ARGV: data, time
local id = redis.call('INCR', KEYS[1])
local job = KEYS[5] .. id
redis.call('HSET', KEYS[6], 'opts.maxLenEvents', '10000')
redis.call('HGET', KEYS[6], 'paused')
redis.call('EXISTS', job)
redis.call('HSET', job, 'name', 'mail', 'data', ARGV[1], 'timestamp', ARGV[2], 'delay', '0', 'priority', '0')
redis.call('LPUSH', KEYS[2], id)
redis.call('LLEN', KEYS[2])
redis.call('LRANGE', KEYS[2], 0, 3)
local next = redis.call('RPOP', KEYS[2])
redis.call('LPUSH', KEYS[3], next)
job = KEYS[5] .. next
redis.call('HSET', job, 'processedOn', ARGV[2])
redis.call('HINCRBY', job, 'attemptsMade', 1)
redis.call('HGETALL', job)
redis.call('LREM', KEYS[3], 1, next)
redis.call('ZADD', KEYS[4], id, next)
redis.call('HSET', job, 'returnvalue', 'null', 'finishedOn', ARGV[2])
redis.call('ZCARD', KEYS[4])
redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1001)
redis.call('HGET', job, 'attemptsMade')
redis.call('DEL', KEYS[5] .. (next - 1000))
return next
