-- KEYS: comet. ARGV: epoch, info, lease in ms.
-- Answers 1 = known, 0 = unknown, or the newer epoch as text.
local recorded = redis.call('GETRANGE', KEYS[1], 0, 20):match('^(%-?%d+)|')
if recorded and less(ARGV[1], recorded) then return recorded end
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
if recorded == ARGV[1] then return 1 end
return 0
