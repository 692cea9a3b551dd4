-- KEYS: comet. ARGV: epoch, info, lease in ms, 1 = announcing, 0 = not.
-- Answers 1 = known, 0 = unknown, or the newer epoch as text.
local recorded = redis.call('GETRANGE', KEYS[1], 0, 20):match('^(%-?%d+)|')
if recorded and less(ARGV[1], recorded) then return recorded end
local known = recorded == ARGV[1]
-- Of one that was not known nothing is there, whatever it says.
local announcing = known and ARGV[4] or '1'
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. announcing .. '|' .. ARGV[2], 'PX', ARGV[3])
if known then return 1 end
return 0
