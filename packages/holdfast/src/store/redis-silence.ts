/**
 * Connections that answer nothing any more, as behind a firewall that has forgotten them or to a host without power: nothing
 * breaks, and what is written disappears. A driver's socket timeout would give such a one up, but counts from the last thing
 * written, and whoever asks again and again puts it off for as long as the kernel tries, a quarter of an hour. So
 * nothing more is sent over it until it has answered, or failed with all that waits.
 */
import type { Instant } from './store.ts'

/** Much longer than any deadline of a check, in ms. */
const silentAfter = 2000

interface Line {
  waiting: number
  /** Counts answers, faults included. */
  answered: number
  /** How many there were when it was looked at, and since when there are no more. */
  seen: number
  since: Instant | undefined
  isSilent: boolean
}

export class Silence {
  readonly #lines: Map<string, Line> = new Map()

  /** Throws while the connection of that name is silent. `send` is called once, or not at all. */
  watch(name: string, send: () => Promise<unknown>): Promise<unknown> {
    const line = this.#lineOf(name)
    if (line.isSilent) throw new Error(`Redis has answered nothing for ${silentAfter} ms`)
    const sent = send()
    line.waiting += 1
    const over = (): void => {
      line.waiting -= 1
      line.answered += 1
      line.isSilent = false
    }
    sent.then(over, over)
    return sent
  }

  /** Has to be called now and then, with a time that does not go back. */
  look(now: Instant): void {
    for (const [name, line] of this.#lines) {
      if (line.waiting === 0) this.#lines.delete(name)
      else if (line.since === undefined || line.answered !== line.seen) {
        line.seen = line.answered
        line.since = now
      } else if (now - line.since >= silentAfter) line.isSilent = true
    }
  }

  #lineOf(name: string): Line {
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    const line = { waiting: 0, answered: 0, seen: 0, since: undefined, isSilent: false }
    this.#lines.set(name, line)
    return line
  }
}
