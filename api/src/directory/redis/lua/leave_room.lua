-- KEYS: room. ARGV: comet, epoch, version, how long a leaving is kept in ms.
-- The leaving stays, so that an entering it overtook does not bring it back;
-- a room that holds nothing else expires.
local recorded = redis.call('HGET', KEYS[1], ARGV[1])
if not wins(recorded and ARGV[1] .. '|' .. recorded, ARGV[1], ARGV[2], ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. ARGV[3] .. '|left')
for _, presence in ipairs(redis.call('HVALS', KEYS[1])) do
  if presence:sub(-5) ~= '|left' then return 0 end
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
