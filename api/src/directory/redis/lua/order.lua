-- Lua's numbers are doubles; 64-bit decimals are compared as text.
local function less(a, b)
  local a_negative, b_negative = a:sub(1, 1) == '-', b:sub(1, 1) == '-'
  if a_negative ~= b_negative then return a_negative end
  if a_negative then a, b = b:sub(2), a:sub(2) end
  if #a ~= #b then return #a < #b end
  return a < b
end

-- Of one comet the later registration wins; another comet's is newer.
local function wins(recorded, comet, epoch, version)
  if not recorded then return true end
  local of, e, v = recorded:match('^([^|]*)|(%-?%d+)|(%-?%d+)')
  if of ~= comet then return true end
  return less(e, epoch) or (e == epoch and less(v, version))
end
