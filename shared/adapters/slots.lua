-- Take a slot in each pool and a moment of the rate, all or none. Returns -1 when they are taken,
-- else in how many milliseconds to ask again. A pool is a set of runs, a line, and when those in
-- the line said that they would come back; the key's pool comes first, the type's second.
local now = tonumber(ARGV[1])
if now == nil then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local run, task, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])
local limits, rate = { tonumber(ARGV[5]), tonumber(ARGV[6]) }, tonumber(ARGV[7])
local aged_ms, gone_ms, horizon = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local least, most = tonumber(ARGV[11]), tonumber(ARGV[12])
local lasts = tonumber(redis.call('GET', KEYS[9]) or ARGV[13])

for i, limit in ipairs(limits) do
  if limit > 0 then
    local runs, line, back = KEYS[3 * i - 2], KEYS[3 * i - 1], KEYS[3 * i]
    redis.call('ZREMRANGEBYSCORE', runs, '-inf', now)
    local gone = redis.call('ZRANGEBYSCORE', back, '-inf', now - gone_ms, 'LIMIT', 0, 100)
    if #gone > 0 then
      redis.call('ZREM', back, unpack(gone))
      redis.call('ZREM', line, unpack(gone))
    end
    local held = redis.call('ZSCORE', runs, run) and 1 or 0
    local free = limit - redis.call('ZCARD', runs) + held
    local oldest = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')
    local aged = #oldest > 0 and tonumber(oldest[2]) <= now - aged_ms
    local place = redis.call('ZRANK', line, task) or redis.call('ZCARD', line)
    if free <= 0 or (aged and place >= free) then
      redis.call('ZADD', line, 'NX', now, task)
      place = redis.call('ZRANK', line, task)
      local wait = math.max(least, math.min(most, lasts * (place + 1) / limit))
      if place < limit then
        wait = math.min(wait, math.max(least, 1000))
      end
      redis.call('ZADD', back, now + wait, task)
      redis.call('PEXPIRE', line, 3600000)
      redis.call('PEXPIRE', back, 3600000)
      return math.floor(wait)
    end
  end
end

if rate > 0 then
  local said = redis.call('GET', KEYS[8])
  local moment = said and tonumber(said) or nil
  if moment == nil then
    moment = math.max(tonumber(redis.call('GET', KEYS[7]) or '0'), now)
    if moment - now > horizon then
      return math.floor(horizon)
    end
    local next_one = moment + 1000 / rate
    redis.call('SET', KEYS[7], next_one, 'PX', math.ceil(next_one - now + 60000))
    redis.call('SET', KEYS[8], moment, 'PX', math.ceil(moment - now + 3600000))
  end
  if moment > now then
    return math.max(1, math.ceil(moment - now))
  end
  redis.call('DEL', KEYS[8])
end

for i, limit in ipairs(limits) do
  if limit > 0 then
    redis.call('ZADD', KEYS[3 * i - 2], now + lease, run)
    redis.call('PEXPIRE', KEYS[3 * i - 2], lease * 2)
    redis.call('ZREM', KEYS[3 * i - 1], task)
    redis.call('ZREM', KEYS[3 * i], task)
  end
end
return -1
