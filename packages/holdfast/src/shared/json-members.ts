/** Members of JSON objects, which a parser keeps the last of where two have one name (RFC 8259 4). */

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/** Members written in a valid JSON text: a colon outside a string stands for one each. */
function membersWritten(text: string): number {
  let members = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) inString = !inString
    else if (inString && code === backslash) at += 1
    else if (!inString && code === colon) members += 1
  }
  return members
}

/**
 * Members kept by the parser, which keeps the last of those with one name. By a list of what is left, not by calls of itself: a
 * text nests as deep as it is long, and deeper than the stack.
 */
function membersKept(value: unknown): number {
  let members = 0
  const left: unknown[] = [value]
  while (left.length > 0) {
    const item = left.pop()
    if (typeof item !== 'object' || item === null) continue
    // The parser gives every member as an own key, `__proto__` too, and arrays theirs by index.
    const values = Object.values(item)
    if (!Array.isArray(item)) members += values.length
    for (const inner of values) left.push(inner)
  }
  return members
}

/** Whether the text that the parser made the value of writes a member twice, at any depth. */
export function writesMemberTwice(text: string, value: unknown): boolean {
  return membersWritten(text) !== membersKept(value)
}
