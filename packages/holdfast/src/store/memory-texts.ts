/** Texts kept once however often they are used: user agents, labels, addresses, attributes, subjects. */

/** Stands for null; never a text. */
export const noText = 0

export class TextPool {
  readonly #numbers: Map<string, number> = new Map()
  readonly #texts: (string | null)[] = [null]
  readonly #free: number[] = []
  #uses: Uint32Array = new Uint32Array(1024)

  /** The number of `text`, counted as one more use. */
  acquire(text: string | null): number {
    if (text === null) return noText
    const found = this.#numbers.get(text)
    const number = found ?? this.#add(ownCopy(text))
    this.#uses[number] = (this.#uses[number] ?? 0) + 1
    return number
  }

  /** The number of `text`, or `noText` when nothing uses it. */
  find(text: string): number {
    return this.#numbers.get(text) ?? noText
  }

  text(number: number): string | null {
    return this.#texts[number] ?? null
  }

  /** Ends one use; the last one forgets the text. */
  release(number: number): void {
    const text = this.#texts[number]
    if (text === undefined || text === null) return
    const left = (this.#uses[number] ?? 1) - 1
    this.#uses[number] = left
    if (left > 0) return
    this.#numbers.delete(text)
    this.#texts[number] = null
    this.#free.push(number)
  }

  #add(text: string): number {
    const number = this.#free.pop() ?? this.#texts.length
    this.#texts[number] = text
    this.#numbers.set(text, number)
    if (number >= this.#uses.length) this.#uses = grown(this.#uses)
    return number
  }
}

/** A text cut out of a longer one keeps all of it alive: a 12-byte address could hold a 16 KiB header. */
function ownCopy(text: string): string {
  const copy = Buffer.from(text, 'latin1').toString('latin1')
  return copy === text ? copy : Buffer.from(text, 'utf16le').toString('utf16le')
}

export function grown(values: Uint32Array): Uint32Array {
  const larger = new Uint32Array(values.length * 2)
  larger.set(values)
  return larger
}
