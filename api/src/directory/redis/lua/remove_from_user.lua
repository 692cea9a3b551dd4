-- KEYS: user. ARGV: session key and comet|epoch|version of each.
for i = 1, #ARGV, 2 do
  local recorded = redis.call('HGET', KEYS[1], ARGV[i])
  local exact = ARGV[i + 1] .. '|'
  if recorded and recorded:sub(1, #exact) == exact then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return 0
