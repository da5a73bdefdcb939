/**
 * Records as the texts of their slot tags were last decoded, of sessions that this node remembers as handed out: who finds
 * one here need not say so again.
 */
import { type Decoded, DecodedRecords } from './decoded-records.ts'
import { seek, unpackRecord } from './redis-record.ts'
import type { SessionId, SessionRecord } from './store.ts'

const texts = { isSame: (a: string, b: string) => a === b, lengthOf: (text: string) => text.length } as const

/** Of all sessions of a slot tag, the one with this id. */
function recordIn(text: string, id: SessionId): SessionRecord | undefined {
  const from = seek(text, id)
  return from < 0 ? undefined : unpackRecord(text, from, id)
}

export class DecodedSessions {
  readonly #records: DecodedRecords<string> = new DecodedRecords(texts)
  readonly #isHandedOut: (id: SessionId) => boolean

  constructor(isHandedOut: (id: SessionId) => boolean) {
    this.#isHandedOut = isHandedOut
  }

  /** `held`: a record that may be it. */
  find(id: SessionId, held?: SessionRecord): Decoded<string> | undefined {
    return this.#records.find(id, held)
  }

  /** What the text of the slot tag has of this session. */
  recordIn(text: string, id: SessionId, known: Decoded<string> | undefined): SessionRecord | undefined {
    const record = this.#records.of(id, text, recordIn, known)
    // May have been forgotten while it was read.
    if (record !== known?.record && !this.#isHandedOut(id)) this.#records.drop(id)
    return record
  }

  /** These are not remembered as handed out any more: the next to ask for them must say so again. */
  forget(ids: readonly SessionId[]): void {
    for (const id of ids) this.#records.drop(id)
  }
}
