-- KEYS: an attempt's. Takes one back.
local made = tonumber(redis.call('HGET', KEYS[1], 'made') or 0)
if made <= 1 then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'made', made - 1, 'open', 0)
end
return 0
