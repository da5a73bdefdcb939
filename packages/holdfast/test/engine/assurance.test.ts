import { describe, expect, it } from 'vitest'
import type { IssueInput } from '../../src/engine/api.ts'
import { start } from './support/start.ts'

const longest = 'x'.repeat(256)
const sixteen = Array.from({ length: 16 }, (_, at) => `${at}`.padStart(256, 'x'))

const refused: readonly (readonly [what: string, field: string, input: unknown])[] = [
  ['methods that are a text', 'amr', { amr: 'pwd' }],
  ['a method that is a number', 'amr', { amr: ['pwd', 1] }],
  ['an empty method', 'amr', { amr: [''] }],
  ['a method of 257 characters', 'amr', { amr: [`${longest}x`] }],
  ['a method with a line break', 'amr', { amr: ['pwd\r\nSet-Cookie: a=b'] }],
  ['a method beyond ASCII', 'amr', { amr: ['pässword'] }],
  ['17 methods', 'amr', { amr: [...sixteen, 'otp'] }],
  ['an empty level', 'acr', { amr: [], acr: '' }],
  ['a level that is a number', 'acr', { amr: [], acr: 2 }],
  ['a level of 257 characters', 'acr', { amr: [], acr: `${longest}x` }],
  ['a level with a control character', 'acr', { amr: [], acr: 'aal2\0' }],
]

describe('how a subject signed in', () => {
  it.each(refused)('is not told by %s, at sign-in or step-up, and nothing changes', async (_, field, input) => {
    const { engine, store } = start()
    const given = input as Pick<IssueInput, 'acr'> & { readonly amr: string[] }
    const refusal = { code: 'invalid-request', fields: [{ field, message: expect.stringMatching(/256 printable ASCII/) }] }
    await expect(engine.issue({ subject: 'bob', ...given })).rejects.toMatchObject(refusal)
    const { session } = await engine.issue({ subject: 'alice' })
    const before = await store.list({ limit: 9 })
    await expect(engine.elevate(session.id, given)).rejects.toMatchObject(refusal)
    expect(await store.list({ limit: 9 })).toEqual(before)
    expect(before.items).toHaveLength(1)
  })

  it('is told by sixteen methods and a level, each of 256 characters', async () => {
    const { session } = await start().engine.issue({ subject: 'alice', amr: sixteen, acr: longest })
    expect(session).toMatchObject({ amr: sixteen, acr: longest })
  })

  it('counts those of a step-up with those of the sign-in, each once', async () => {
    const { engine } = start()
    const { session } = await engine.issue({ subject: 'alice', amr: sixteen })
    await expect(engine.elevate(session.id, { amr: ['otp'] })).rejects.toMatchObject({ fields: [{ field: 'amr' }] })
    expect(await engine.elevate(session.id, { amr: sixteen })).toMatchObject({ session: { amr: sixteen } })
  })
})
