-- KEYS: comets. ARGV: seconds since the last renewal.
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] - ARGV[1])
