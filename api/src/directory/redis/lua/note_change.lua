-- KEYS: census. ARGV: who changed something.
local time = redis.call('TIME')
redis.call('SET', KEYS[1], time[1] .. '.' .. time[2] .. '|' .. ARGV[1])
return 0
