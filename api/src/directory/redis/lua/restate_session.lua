-- KEYS: user. ARGV: session key, comet|epoch|version, client.
local recorded = redis.call('HGET', KEYS[1], ARGV[1])
local exact = ARGV[2] .. '|'
if recorded and recorded:sub(1, #exact) == exact then
  redis.call('HSET', KEYS[1], ARGV[1], exact .. ARGV[3])
end
return 0
