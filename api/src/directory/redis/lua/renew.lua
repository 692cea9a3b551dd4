-- KEYS: comet. ARGV: epoch, info, lease in ms, 1 = announcing, 0 = not, announcements.
-- Answers 1 = known, 2 = known and it says something new of its entries, 0 = unknown, or the newer epoch as text.
local head = redis.call('GETRANGE', KEYS[1], 0, 63)
local recorded, announced, announcements = head:match('^(%-?%d+)|(%d)|(%-?%d+)|')
if recorded and less(ARGV[1], recorded) then return recorded end
local known = recorded == ARGV[1]
-- Of one that was not known nothing is there, whatever it says.
local announcing = known and ARGV[4] or '1'
local value = table.concat({ARGV[1], announcing, ARGV[5], ARGV[2]}, '|')
redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
if not known then return 0 end
if announced ~= announcing or announcements ~= ARGV[5] then return 2 end
return 1
