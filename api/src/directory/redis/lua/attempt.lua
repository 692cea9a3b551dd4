-- KEYS: an attempt's. ARGV: attempts that are free, shortest and longest wait, time to forget (all ms).
-- How many were made, or the time to wait as a negative number.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free, least, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known = redis.call('HMGET', KEYS[1], 'made', 'open')
local made, open = tonumber(known[1] or 0), tonumber(known[2] or 0)
if open > now then
  return now - open
end
made = made + 1
local wait = 0
if made >= free then
  wait = math.min(most, least * 2 ^ math.min(made - free, 50))
end
redis.call('HSET', KEYS[1], 'made', made, 'open', string.format('%.0f', now + wait))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', wait + tonumber(ARGV[4])))
return made
