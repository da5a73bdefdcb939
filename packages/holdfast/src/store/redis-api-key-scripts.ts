/** What must happen to API keys in one step, as Lua. KEYS: records, listed, owned, endings, unless said otherwise. */
import { type Script, script } from './redis-lua.ts'

/** ARGV 1 id, 2 record, 3 packed createdAt, 4 owner, 5 end or '', then for a cap 6 max, 7 now. Returns 1, 0 when full, 'exists'. */
const insert = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'exists' end
if ARGV[6] then
  local usable = 0
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], '[' .. ARGV[4] .. US, '(' .. ARGV[4] .. US .. '~')) do
    local text = redis.call('HGET', KEYS[1], string.sub(entry, #ARGV[4] + 11))
    if text and string.sub(text, 1, 1) == '.' then
      local ends = tonumber(string.sub(text, 19, 27), 36)
      if not ends or ends > tonumber(ARGV[7]) then usable = usable + 1 end
    end
  end
  if usable >= tonumber(ARGV[6]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], 0, ARGV[3] .. ARGV[1])
redis.call('ZADD', KEYS[3], 0, ARGV[4] .. US .. ARGV[3] .. ARGV[1])
if ARGV[5] ~= '' then redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1]) end
return 1
`

/** KEYS an index, records. ARGV 1 from, 2 to, 3 count, 4 where ids begin in an entry. Returns ids and records in turn. */
const list = `
local found = {}
for _, entry in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  local start = tonumber(ARGV[4])
  if start == 0 then start = string.find(entry, US, 1, true) + 10 end
  local id = string.sub(entry, start)
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', KEYS[2], id)
end
return found
`

/** ARGV 1 id, 2 packed instant, 3 ip. */
const touch = `
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text or string.sub(text, 1, 1) ~= '.' then return 0 end
local used = tonumber(string.sub(text, 10, 18), 36)
if used and used >= tonumber(ARGV[2], 36) then return 0 end
local rest = string.find(text, US, 37, true)
redis.call('HSET', KEYS[1], ARGV[1], string.sub(text, 1, 9) .. ARGV[2] .. string.sub(text, 19, 36) .. ARGV[3] .. string.sub(text, rest))
return 1
`

const revoking = `
local function revoke(id, at, plain)
  local text = redis.call('HGET', KEYS[1], id)
  if not text or string.sub(text, 1, 1) ~= '.' then return false end
  evenWhenFull(KEYS[1])
  redis.call('HSET', KEYS[1], id, at .. string.sub(text, 10))
  redis.call('ZADD', KEYS[4], 'LT', plain, id)
  return true
end
`

/** ARGV 1 id, 2 packed instant, 3 instant. Returns whether this call did. */
const revoke = `${revoking}
return revoke(ARGV[1], ARGV[2], ARGV[3]) and 1 or 0
`

/** ARGV 1 owner with the mark behind it, 2 packed instant, 3 instant. Returns the ids that this call changed. */
const revokeOwner = `${revoking}
local changed = {}
for _, entry in ipairs(redis.call('ZRANGEBYLEX', KEYS[3], '[' .. ARGV[1], '(' .. ARGV[1] .. '~')) do
  local id = string.sub(entry, #ARGV[1] + 10)
  if revoke(id, ARGV[2], ARGV[3]) then changed[#changed + 1] = id end
end
return changed
`

/** ARGV 1 ended before, 2 limit. Returns how many were deleted. */
const sweep = `
local ended = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ended) do
  local text = redis.call('HGET', KEYS[1], id)
  local createdAt = string.sub(text, 28, 36)
  local first = string.find(text, US, 37, true)
  local owner = string.sub(text, first + 1, string.find(text, US, first + 1, true) - 1)
  redis.call('ZREM', KEYS[2], createdAt .. id)
  redis.call('ZREM', KEYS[3], owner .. US .. createdAt .. id)
  redis.call('ZREM', KEYS[4], id)
  redis.call('HDEL', KEYS[1], id)
end
return #ended
`

type Name = 'insert' | 'list' | 'touch' | 'revoke' | 'revokeOwner' | 'sweep'

export const apiKeyScripts: Readonly<Record<Name, Script>> = {
  insert: script('insertApiKey', insert),
  list: script('listApiKeys', list),
  touch: script('touchApiKey', touch),
  revoke: script('revokeApiKey', revoke),
  revokeOwner: script('revokeApiKeysOf', revokeOwner),
  sweep: script('sweepApiKeys', sweep),
}
