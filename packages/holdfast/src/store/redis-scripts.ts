/**
 * What must happen to sessions in one step, as Lua. Every key comes in KEYS and shares a slot, and so does a note that names
 * what was revoked, spelled from one of them; nothing else is computed from stored data but offsets into it. Texts are
 * compared byte by byte: `<` in Redis follows the locale of the server.
 */
import { type Script, script } from './redis-lua.ts'

/**
 * KEYS open, revoked, everyone, index, note. ARGV 1 id, 2 numbers up to the epoch, 3 the rest, 4 lifetime ms,
 * 5 index entry, 6 subject, 7 revocation of the record itself or '', 8 lifetime of the revoked ms, then for a cap
 * 9 max, 10 now ms, 11 policy, 12 replaced id or '', 13 live sessions elsewhere, 14 packed now.
 * Returns 'exists', 'full', or the count of those evicted, their ids, and the replaced id if it was.
 */
const insert = `
local text = redis.call('GET', KEYS[1]) or ''
if seek(text, ARGV[1]) or seek(redis.call('GET', KEYS[2]) or '', ARGV[1]) then return 'exists' end
local epoch = epochIn(KEYS[3])
local answer, chosen, evicted, replaced = { 0 }, {}, {}, nil
if ARGV[9] then
  local live = {}
  for from in each(text) do
    if subjectAt(text, from) == ARGV[6] and not isOut(text, from, epoch) then
      local id = idOf(text, from)
      if id == ARGV[12] then replaced = id
      elseif expiry(text, from) > tonumber(ARGV[10]) then
        local age = string.sub(text, from + 21, from + 29) .. id
        if ARGV[11] == 'evict-idle' then age = string.sub(text, from + 30, from + 38) .. age end
        live[#live + 1] = { id = id, age = age }
      end
    end
  end
  local surplus = #live + tonumber(ARGV[13]) + 1 - tonumber(ARGV[9])
  if surplus > 0 and ARGV[11] == 'refuse' then return 'full' end
  table.sort(live, function(a, b) return above(b.age, a.age) end)
  for at = 1, math.min(surplus, #live) do
    chosen[live[at].id] = ARGV[14] .. 'evicted'
    answer[at + 1] = live[at].id
    evicted[at] = live[at].id
    answer[1] = at
  end
  if replaced then
    chosen[replaced] = ARGV[14] .. 'replaced'
    answer[#answer + 1] = replaced
  end
end
local record = RS .. ARGV[1] .. ARGV[2] .. string.format('%05d', epoch) .. ARGV[3]
if next(chosen) then
  text = move(text, chosen, KEYS[2], ARGV[8])
  tellEnded(KEYS[5], ARGV[14] .. 'evicted', evicted)
  tellEnded(KEYS[5], ARGV[14] .. 'replaced', { replaced })
  if ARGV[7] == '' then text = text .. record end
  store(KEYS[1], text)
elseif ARGV[7] == '' then
  append(KEYS[1], record)
end
if ARGV[7] == '' then keepFor(KEYS[1], ARGV[4])
else
  append(KEYS[2], record .. FS .. ARGV[7])
  keepFor(KEYS[2], ARGV[4])
end
local at = 0
while true do
  local entries = redis.call('LRANGE', KEYS[4], at, at == 0 and 0 or at + 255)
  if #entries == 0 then redis.call('RPUSH', KEYS[4], ARGV[5]) return answer end
  for _, other in ipairs(entries) do
    if above(ARGV[5], other) then
      if at == 0 then redis.call('LPUSH', KEYS[4], ARGV[5])
      else redis.call('LINSERT', KEYS[4], 'BEFORE', other, ARGV[5]) end
      return answer
    end
  end
  at = at + #entries
end
`

/**
 * KEYS open, everyone, note. ARGV 1 id, 2 expected revision, 3 seenAt, 4 idleExpiresAt, 5 absoluteExpiresAt,
 * 6 new revision, 7 last ip, 8 body, 9 lifetime ms. Returns whether this call won.
 */
const replace = `
local text = redis.call('GET', KEYS[1]) or ''
local from, to = seek(text, ARGV[1])
if not from or string.sub(text, from + 57, from + 61) ~= ARGV[2] or isOut(text, from, epochIn(KEYS[2])) then return 0 end
local subject, first = subjectAt(text, from)
local seen, idle, ip = ARGV[3], ARGV[4], ARGV[7]
if instant(text, from + 30) > tonumber(seen, 36) then
  seen = string.sub(text, from + 30, from + 38)
  ip = string.sub(text, from + 67, first - 1)
end
if instant(text, from + 39) > tonumber(idle, 36) then idle = string.sub(text, from + 39, from + 47) end
local later = string.find(text, GS, from, true)
local record = string.sub(text, from, from + 29) .. seen .. idle .. ARGV[5] .. ARGV[6]
  .. string.sub(text, from + 62, from + 66) .. ip .. US .. subject .. US .. ARGV[8]
  .. ((later and later <= to) and string.sub(text, later, to) or '')
store(KEYS[1], string.sub(text, 1, from - 1) .. record .. string.sub(text, to + 1))
keepFor(KEYS[1], ARGV[9])
tell(KEYS[3])
return 1
`

/** KEYS open, everyone. ARGV by fours: id, seenAt, idleExpiresAt, ip. */
const touch = `
-- The first address may be given as being the last one, which now changes: ten fields on.
local function keepFirstIp(text, field, ip)
  for _ = 1, 9 do field = string.find(text, US, field + 1, true) end
  if string.sub(text, field, field + 2) ~= US .. '=' .. US then return text end
  return string.sub(text, 1, field) .. ip .. string.sub(text, field + 2)
end
local text = redis.call('GET', KEYS[1]) or ''
local epoch = epochIn(KEYS[2])
for at = 1, #ARGV, 4 do
  local from, to = seek(text, ARGV[at])
  if from and not isOut(text, from, epoch) then
    local isNewer = tonumber(ARGV[at + 1], 36) > instant(text, from + 30)
    local seen = isNewer and ARGV[at + 1] or string.sub(text, from + 30, from + 38)
    local isLater = tonumber(ARGV[at + 2], 36) > instant(text, from + 39)
    local idle = isLater and ARGV[at + 2] or string.sub(text, from + 39, from + 47)
    local first = string.find(text, US, from + 67, true)
    local ip = string.sub(text, from + 67, first - 1)
    local moves = isNewer and ip ~= ARGV[at + 3]
    if moves then
      text = keepFirstIp(text, first, ip)
      ip = ARGV[at + 3]
    end
    if isNewer or isLater then
      text = string.sub(text, 1, from + 29) .. seen .. idle .. string.sub(text, from + 48, from + 66) .. ip .. string.sub(text, first)
      -- Only what changed goes to the replicas and the log, when it keeps its place.
      if moves then store(KEYS[1], text) else redis.call('SETRANGE', KEYS[1], from + 29, seen .. idle) end
    end
  end
end
return 0
`

/**
 * KEYS open, revoked, everyone, note. ARGV 1 id or '', 2 subject or '' for any, 3 spared id or '', 4 packed revocation,
 * 5 lifetime ms. Returns the ids that this call changed.
 */
const revoke = `
local text = redis.call('GET', KEYS[1]) or ''
local epoch = epochIn(KEYS[3])
local changed, chosen = {}, {}
local function consider(from)
  local id = idOf(text, from)
  if id == ARGV[3] or isOut(text, from, epoch) then return end
  if ARGV[2] ~= '' and subjectAt(text, from) ~= ARGV[2] then return end
  changed[#changed + 1] = id
  chosen[id] = ARGV[4]
end
if ARGV[1] == '' then
  for from in each(text) do consider(from) end
else
  local from = seek(text, ARGV[1])
  if from then consider(from) end
end
if #changed > 0 then
  evenWhenFull(KEYS[1])
  store(KEYS[1], move(text, chosen, KEYS[2], ARGV[5]))
  tellEnded(KEYS[4], ARGV[4], changed)
end
return changed
`

const reach = `
-- The epoch that a shard is to have, what its key is to say, and whether that is new.
local function reach(out, revocation, atLeast)
  local epoch = out and tonumber(string.sub(out, 1, 5)) or 0
  local reached = atLeast == '' and epoch + 1 or tonumber(atLeast)
  if reached <= epoch then return epoch, out or '', false end
  return reached, string.format('%05d', reached) .. revocation, true
end
`

/** KEYS everyone. ARGV 1 packed revocation, 2 epoch to reach at least or ''. Returns the epoch. */
const everyone = `${reach}
local epoch, out, isNew = reach(redis.call('GET', KEYS[1]), ARGV[1], ARGV[2])
if isNew then
  evenWhenFull(KEYS[1])
  redis.call('SET', KEYS[1], out)
end
return epoch
`

/**
 * KEYS stamp, then everyone of each shard. ARGV 1 packed revocation, then for each shard the epoch to reach at least or ''.
 * Returns the epochs. By the thousand, because the server does nothing else meanwhile and a call for each takes twice as
 * long. The stamp is written before what it stands for: no fault leaves a change under the old one.
 */
const everyoneAtOnce = `${reach}
local epochs, outs, new = {}, {}, {}
for from = 2, #KEYS, 1000 do
  for at, out in ipairs(redis.call('MGET', unpack(KEYS, from, math.min(from + 999, #KEYS)))) do
    local key, isNew = from + at - 1, false
    epochs[key - 1], outs[key - 1], isNew = reach(out, ARGV[1], ARGV[key])
    if isNew then
      new[#new + 1] = KEYS[key]
      new[#new + 1] = outs[key - 1]
    end
  end
end
local before = redis.call('GET', KEYS[1])
if #new > 0 or not before then
  evenWhenFull(KEYS[1])
  redis.call('SET', KEYS[1], redis.sha1hex((before or '') .. FS .. table.concat(outs, FS)))
end
for from = 1, #new, 2000 do redis.call('MSET', unpack(new, from, math.min(from + 1999, #new))) end
return epochs
`

/**
 * KEYS open, revoked, everyone, index, note. ARGV 1 ended before, 2 anonymous ended before, 3 limit, 4 third and fourth
 * character of the slot tag. Returns the ids that were deleted.
 */
const sweep = `
local epoch, out = epochIn(KEYS[3])
local swept = {}
local function clean(key, isRevoked)
  local text, left = redis.call('GET', key) or '', {}
  local before = #swept
  for from, to in each(text) do
    local record = string.sub(text, from, to)
    local at = expiry(record, 1)
    if isRevoked then at = math.min(at, instant(record, string.find(record, FS, 1, true) + 1))
    elseif isOut(record, 1, epoch) then at = math.min(at, instant(out, 6)) end
    local isAnonymous = subjectAt(record, 1) == ''
    if #swept < tonumber(ARGV[3]) and at <= tonumber(isAnonymous and ARGV[2] or ARGV[1]) then
      local id = idOf(record, 1)
      swept[#swept + 1] = id
      redis.call('LREM', KEYS[4], 1, string.sub(record, 22, 30) .. ARGV[4] .. id .. (isAnonymous and '-' or '+'))
    else left[#left + 1] = record end
  end
  if #swept > before then store(key, table.concat(left)) end
end
clean(KEYS[1], false)
clean(KEYS[2], true)
if #swept > 0 then tell(KEYS[5]) end
return swept
`

type Name = 'insert' | 'replace' | 'touch' | 'revoke' | 'everyone' | 'everyoneAtOnce' | 'sweep'

export const scripts: Readonly<Record<Name, Script>> = {
  insert: script('insert', insert),
  replace: script('replace', replace),
  touch: script('touch', touch),
  revoke: script('revoke', revoke),
  everyone: script('everyone', everyone),
  everyoneAtOnce: script('everyoneAtOnce', everyoneAtOnce),
  sweep: script('sweep', sweep),
}
