/**
 * Session ids as six words of 24 bits. Each character counts by its rank in ASCII, not by its base64 value, so
 * that comparing words is comparing texts: the order of lists is the same in every store.
 */
export const idWords = 6

const alphabet = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const ranks: Int8Array = new Int8Array(128).fill(-1)
const codes: Uint8Array = new Uint8Array(64)
for (let rank = 0; rank < 64; rank += 1) {
  const code = alphabet.charCodeAt(rank)
  codes[rank] = code
  ranks[code] = rank
}

function rankAt(text: string, at: number): number {
  return ranks[text.charCodeAt(at)] ?? -1
}

/** Writes the words of `id` at `start`. False, with nothing promised about the words, when it is not a session id. */
export function packId(id: string, words: Uint32Array, start: number): boolean {
  if (id.length !== 24) return false
  let seen = 0
  for (let word = 0; word < idWords; word += 1) {
    const at = word * 4
    const packed = (rankAt(id, at) << 18) | (rankAt(id, at + 1) << 12) | (rankAt(id, at + 2) << 6) | rankAt(id, at + 3)
    seen |= packed
    words[start + word] = packed
  }
  // A character outside the alphabet has rank -1, whose sign bit survives every shift and every `or`.
  return seen >= 0
}

const characters: Buffer = Buffer.alloc(24)

export function unpackId(words: Uint32Array, start: number): string {
  for (let word = 0; word < idWords; word += 1) {
    const packed = words[start + word] ?? 0
    for (let part = 0; part < 4; part += 1) characters[word * 4 + part] = codes[(packed >> (18 - 6 * part)) & 63] ?? 0
  }
  return characters.toString('latin1')
}
