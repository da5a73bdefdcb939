/** The indexes of shards and the directory of subjects, as Lua. */
import { type Script, script } from './redis-lua.ts'

/** KEYS index. ARGV 1 entry, 2 count. Returns entries that come after it, newest first. */
const indexPage = `
local low, high = 0, redis.call('LLEN', KEYS[1])
while low < high do
  local middle = math.floor((low + high) / 2)
  if above(ARGV[1], redis.call('LINDEX', KEYS[1], middle)) then high = middle else low = middle + 1 end
end
return redis.call('LRANGE', KEYS[1], low, low + tonumber(ARGV[2]) - 1)
`

/** KEYS index, open, revoked. ARGV entries, of sessions of one slot tag: removes those whose session is gone. */
const indexClean = `
local open, revoked = redis.call('GET', KEYS[2]) or '', redis.call('GET', KEYS[3]) or ''
for _, entry in ipairs(ARGV) do
  local id = string.sub(entry, 12, 31)
  if not seek(open, id) and not seek(revoked, id) then redis.call('LREM', KEYS[1], 1, entry) end
end
return 0
`

/**
 * KEYS bucket. ARGV 1 digest and slot tag, 2 day until which it is needed, 3 today, 4 lifetime ms.
 * Entries of 13 characters; what was needed until two days ago is let go when the bucket grows.
 */
const register = `
local text = redis.call('GET', KEYS[1]) or ''
local from = string.find(text, ARGV[1], 1, true)
while from and (from - 1) % 13 ~= 0 do from = string.find(text, ARGV[1], from + 1, true) end
if from then
  if tonumber(string.sub(text, from + 10, from + 12), 36) < tonumber(ARGV[2], 36) then
    redis.call('SETRANGE', KEYS[1], from + 9, ARGV[2])
  end
else
  local left = {}
  for at = 1, #text, 13 do
    if tonumber(string.sub(text, at + 10, at + 12), 36) + 2 >= tonumber(ARGV[3], 36) then left[#left + 1] = string.sub(text, at, at + 12) end
  end
  if #left * 13 < #text then store(KEYS[1], table.concat(left)) end
  append(KEYS[1], ARGV[1] .. ARGV[2])
end
keepFor(KEYS[1], ARGV[4])
return 0
`

type Name = 'indexPage' | 'indexClean' | 'register'

export const indexScripts: Readonly<Record<Name, Script>> = {
  indexPage: script('indexPage', indexPage),
  indexClean: script('indexClean', indexClean),
  register: script('register', register),
}
