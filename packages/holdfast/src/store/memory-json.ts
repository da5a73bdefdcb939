/** JSON texts as values that belong to whoever asked. */
import type { JsonValue } from './store.ts'

const mostTemplates = 1024
const longestTemplate = 1024

/** Parses texts that repeat, such as the same attributes for a million sessions, by copying what it parsed before. */
export class JsonReader {
  readonly #templates: Map<string, JsonValue> = new Map()

  read(text: string): JsonValue {
    if (text.length > longestTemplate) return JSON.parse(text)
    let template = this.#templates.get(text)
    if (template === undefined) {
      template = JSON.parse(text) as JsonValue
      if (this.#templates.size >= mostTemplates) this.#templates.clear()
      this.#templates.set(text, template)
    }
    return copyOf(template)
  }
}

function copyOf(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value
  if (isArray(value)) return value.map(copyOf)
  const copy: Record<string, JsonValue> = { ...value }
  for (const key in copy) {
    const inner = copy[key]
    if (typeof inner === 'object') copy[key] = copyOf(inner)
  }
  return copy
}

/** `Array.isArray` does not narrow read-only arrays. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
