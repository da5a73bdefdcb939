/** ECDSA signatures in DER (RFC 3279 section 2.2.3), from the form that JWS writes: two numbers of 32 bytes. */

const numberLength = 32
const topBit = 0x80
const tags = { integer: 0x02, sequence: 0x30 } as const

/** Where the number begins: DER has no leading zeros, but keeps one for zero itself. */
function startOf(signature: Uint8Array, at: number): number {
  let start = at
  while (start < at + numberLength - 1 && signature[start] === 0) start += 1
  return start
}

/** Undefined for a text that is not two numbers of 32 bytes. Zero and numbers beyond the order are the check's to refuse. */
export function derOf(signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== 2 * numberLength) return undefined
  const der = new Uint8Array(2 + 2 * (3 + numberLength))
  let length = 2
  for (const at of [0, numberLength]) {
    const start = startOf(signature, at)
    // A set top bit would make the number negative.
    const padding = (signature[start] ?? 0) >= topBit ? 1 : 0
    const size = at + numberLength - start + padding
    der[length] = tags.integer
    der[length + 1] = size
    der.set(signature.subarray(start, at + numberLength), length + 2 + padding)
    length += 2 + size
  }
  der[0] = tags.sequence
  der[1] = length - 2
  return der.subarray(0, length)
}
