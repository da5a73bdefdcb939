/** No secret in any output: everything that the engine says is collected and searched for everything it must not say. */
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionRecord } from '../../src/store/store.ts'
import { chrome, firefox, minute, must, newerSecret, secret, settle, start } from './support/start.ts'
import { allMethods, failingStore } from './support/stores.ts'

/** Texts that no output may hold: each token, its body, the secret in it, its digest, and the signing secrets. */
function secretsOf(tokens: readonly string[], records: readonly SessionRecord[]): string[] {
  const texts = [secret, newerSecret]
  for (const token of tokens) {
    const body = token.slice(token.indexOf('_') + 1)
    const bytes = Buffer.from(body, 'base64url')
    // The id is public; what follows it is not. Bytes 30 to 62 are the secret, aligned to characters 40 to 82.
    texts.push(token, body.slice(40, 80), bytes.subarray(30, 62).toString('hex'), bytes.subarray(30, 62).toString('base64'))
  }
  for (const { digest, previous } of records) texts.push(digest, ...(previous === null ? [] : [previous.digest]))
  return texts
}

/** The text of a value in every way that a program may print it. */
function printed(value: unknown): string {
  return [JSON.stringify(value) ?? '', inspect(value, { depth: 20, showHidden: true }), String(value)].join('\n')
}

it('shows no token, secret or digest in events, faults, errors, views, lists or the store', async () => {
  const inner = memoryStore()
  const failing = failingStore(inner)
  const started = start({ store: failing.store, secret: [secret, newerSecret], ipChange: 'log', rememberedChecks: 0 })
  const { engine, clock } = started
  const said: unknown[] = []
  const tokens: string[] = []
  const records: SessionRecord[] = []
  const look = async () => {
    records.push(...(await inner.list({ limit: 100 })).items)
  }
  const hear = async (answer: unknown) => {
    const value = await Promise.resolve(answer).catch((fault: unknown) => fault)
    if (typeof value === 'object' && value !== null && 'token' in value) {
      const { token, ...rest } = value
      tokens.push(String(token))
      said.push(rest)
    } else said.push(value, value instanceof Error ? value.stack : '')
    await look()
    return value
  }

  const issued = await engine.issue({ subject: 'alice', context: firefox })
  await hear(Promise.resolve(issued))
  const { id } = issued.session
  await hear(engine.elevate(id, { amr: ['otp'] }))
  await hear(engine.verify(issued.token, firefox))
  await hear(engine.verify(issued.token, chrome))
  await hear(engine.regenerate(id))
  await hear(engine.verify(issued.token))
  await hear(engine.verify(`${issued.token.slice(0, -1)}A`))
  await hear(engine.update(id, () => ({ n: 1 })))
  const visitor = await engine.issueAnonymous()
  await hear(Promise.resolve(visitor))
  await hear(engine.promote(visitor.session.id, { subject: 'alice' }))
  await hear(engine.list({ liveOnly: false }))
  await hear(engine.get(id))
  failing.failing = allMethods
  const live = must(tokens.at(-1))
  for (const attempt of [
    () => engine.verify(live, firefox),
    () => engine.issue({ subject: 'bob' }),
    () => engine.regenerate(id),
    () => engine.elevate(id, { amr: ['otp'] }),
    () => engine.promote(id, { subject: 'alice' }),
    () => engine.revoke({ session: id }),
    () => engine.list(),
    () => engine.sweep(),
  ]) {
    await hear(attempt())
  }
  clock.advance(6 * minute)
  await settle()
  failing.recover()
  clock.advance(minute)
  await settle()
  await hear(engine.verify(live))
  await hear(engine.revoke({ subject: 'alice' }))
  await engine.close()

  said.push(started.events, started.faults, engine, String(engine))
  const output = said.map(printed).join('\n')
  expect(output).toContain(id)
  expect(tokens.length).toBeGreaterThanOrEqual(5)
  expect(records.length).toBeGreaterThan(20)
  for (const text of secretsOf(tokens, records)) expect(output.includes(text)).toBe(false)

  // At rest there are digests only: nothing of a token but its public id.
  const stored = printed(records)
  for (const text of secretsOf(tokens, [])) expect(stored.includes(text)).toBe(false)
})
