-- KEYS: room. ARGV: comet, epoch, version.
local recorded = redis.call('HGET', KEYS[1], ARGV[1])
if wins(recorded and ARGV[1] .. '|' .. recorded, ARGV[1], ARGV[2], ARGV[3]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. ARGV[3])
  redis.call('PERSIST', KEYS[1])
end
return 0
