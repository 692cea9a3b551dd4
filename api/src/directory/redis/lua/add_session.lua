-- KEYS: session. ARGV: comet, epoch, version.
if wins(redis.call('GET', KEYS[1]), ARGV[1], ARGV[2], ARGV[3]) then
  redis.call('SET', KEYS[1], table.concat(ARGV, '|'))
end
return 0
