-- KEYS: comet. ARGV: epoch.
if redis.call('GETRANGE', KEYS[1], 0, 20):match('^(%-?%d+)|') == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
