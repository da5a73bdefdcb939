/** Lua that runs in Redis: what all scripts share. */

export interface Script {
  readonly name: string
  readonly source: string
}

/** Offsets count from the mark that begins a record: see `redis-record.ts`. */
const prelude = String.raw`
local RS, US, GS, FS = '\30', '\31', '\29', '\28'
local function ending(text, from)
  return (string.find(text, RS, from + 1, true) or #text + 1) - 1
end
local function seek(text, id)
  local from = string.find(text, RS .. id, 1, true)
  if from then return from, ending(text, from) end
end
local function each(text)
  local from = 1
  return function()
    if from > #text then return nil end
    local start, to = from, ending(text, from)
    from = to + 1
    return start, to
  end
end
local function instant(text, from) return tonumber(string.sub(text, from, from + 8), 36) end
local function idOf(text, from) return string.sub(text, from + 1, from + 20) end
local function isOut(text, from, epoch) return tonumber(string.sub(text, from + 62, from + 66)) < epoch end
local function expiry(text, from) return math.min(instant(text, from + 39), instant(text, from + 48)) end
local function subjectAt(text, from)
  local first = string.find(text, US, from + 67, true)
  local last = string.find(text, US, first + 1, true)
  return string.sub(text, first + 1, last - 1), first, last
end
local function epochIn(key)
  local out = redis.call('GET', key)
  return out and tonumber(string.sub(out, 1, 5)) or 0, out
end
local function above(a, b)
  for at = 1, math.max(#a, #b) do
    local x, y = string.byte(a, at) or -1, string.byte(b, at) or -1
    if x ~= y then return x > y end
  end
  return false
end
local function keepFor(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
end
local function tell(key)
  redis.call('SET', key, '')
  redis.call('DEL', key)
end
-- A note that names what was revoked, and how, spares every node that hears of it a lookup.
local function tellEnded(key, revocation, ids)
  if #ids == 0 then return end
  tell(#ids <= 32 and key .. '.' .. revocation .. '.' .. table.concat(ids) or key)
end
-- A server that is full refuses a script at its first write alone, and only one that could take more memory. What ends
-- access is not to wait for room, of which it takes next to none: it begins with a write that takes none.
local function evenWhenFull(key) redis.call('DEL', key .. '.') end
local function store(key, text)
  if text == '' then redis.call('DEL', key) else redis.call('SET', key, text, 'KEEPTTL') end
end
-- APPEND leaves as much room again for more, which small texts are not worth.
local function append(key, more)
  if redis.call('STRLEN', key) > 4096 then redis.call('APPEND', key, more)
  else store(key, (redis.call('GET', key) or '') .. more) end
end
-- Moves the records whose ids are keys of chosen; what is given for each is the revocation.
local function move(text, chosen, key, ttl)
  local left, gone = {}, {}
  for from, to in each(text) do
    local revocation = chosen[idOf(text, from)]
    local record = string.sub(text, from, to)
    if revocation then gone[#gone + 1] = record .. FS .. revocation else left[#left + 1] = record end
  end
  append(key, table.concat(gone))
  keepFor(key, ttl)
  return table.concat(left)
end
`

export function script(name: string, source: string): Script {
  return { name, source: prelude + source }
}
