-- KEYS: user. ARGV: comet, epoch, then session key, version, client (`platform` or `platform|log-in`) of each.
for i = 3, #ARGV, 3 do
  local comet, epoch, version = ARGV[1], ARGV[2], ARGV[i + 1]
  if wins(redis.call('HGET', KEYS[1], ARGV[i]), comet, epoch, version) then
    redis.call('HSET', KEYS[1], ARGV[i], table.concat({comet, epoch, version, ARGV[i + 2]}, '|'))
  end
end
return 0
