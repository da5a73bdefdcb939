/** Connections while the store cannot tell, and what is received over them. */
import { describe, expect, it, vi } from 'vitest'
import { type ChangeListener, ChangeListeners } from '../../src/store/changes.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { hour, minute, second, settle, start } from './support/start.ts'
import { failingStore, holdingStore } from './support/stores.ts'

async function attached(options: Parameters<typeof start>[0] = {}) {
  const started = start(options)
  const issued = await started.engine.issue({ subject: 'alice' })
  const close = vi.fn()
  const detach = started.engine.attach(issued.session, close)
  await settle()
  return { ...started, issued, close, detach, id: issued.session.id }
}

function unfed(store: SessionStore): SessionStore {
  const { changes, ...rest } = store
  expect(changes).toBeDefined()
  return rest
}

describe('while the store cannot tell', () => {
  it.each(['a feed', 'no feed'])('a connection is closed once the grace has passed, and not before, with %s', async (feed) => {
    const failing = failingStore(memoryStore())
    const store = feed === 'a feed' ? failing.store : unfed(failing.store)
    const { clock, close } = await attached({
      store,
      connectionGrace: '5s',
      limits: { signedIn: { idle: '2h', absolute: '3h' } },
    })
    failing.failing = new Set(['get'])
    // With a feed that vouches nothing is asked until the floor; then the grace counts from the first look that failed.
    const until = feed === 'a feed' ? minute + 4900 : 4900
    for (let passed = 0; passed < until; passed += 50) {
      clock.advance(50)
      await settle()
    }
    expect(close).not.toHaveBeenCalled()
    for (let passed = 0; passed < 1000; passed += 50) {
      clock.advance(50)
      await settle()
    }
    expect(close.mock.calls).toEqual([[{ cause: 'unknown' }]])
  })

  it.each(['a feed', 'no feed'])('a clock that is set back keeps no connection open, with %s', async (feed) => {
    const failing = failingStore(memoryStore())
    const { clock, close } = await attached({
      store: feed === 'a feed' ? failing.store : unfed(failing.store),
      connectionGrace: '5s',
      limits: { signedIn: { idle: '4h', absolute: '5h' } },
    })
    failing.failing = new Set(['get'])
    for (let passed = 0; passed < minute + 12_000; passed += 50) {
      if (passed === 2000) clock.jumpTo(clock.now() - 3 * hour)
      clock.advance(50)
      await settle()
    }
    expect(close.mock.calls).toEqual([[{ cause: 'unknown' }]])
  })

  it('what is received is not handled; it is again once the store answers', async () => {
    const failing = failingStore(memoryStore())
    const { engine, clock, issued } = await attached({ store: unfed(failing.store) })
    const connection = engine.connect(issued.session, () => undefined)
    expect(await connection.check()).toBe(true)
    failing.failing = new Set(['get'])
    expect(await connection.check()).toBe(false)
    failing.recover()
    clock.advance(second)
    expect(await connection.check()).toBe(true)
  })
})

describe('what a connection receives', () => {
  it('is answered for at once while nothing changed, and never after the end', async () => {
    const { engine, issued, id } = await attached()
    const connection = engine.connect(issued.session, () => undefined)
    await settle()
    expect(connection.check()).toBe(true)
    await engine.revoke({ session: id })
    expect(connection.check()).toBe(false)
  })

  it.each(['it', 'any'])('waits for the store once the feed has told that %s may have changed', async (what) => {
    const listeners = new ChangeListeners()
    const feed = { subscribe: (listener: ChangeListener) => listeners.subscribe(listener), confirm: () => true }
    const holding = holdingStore(memoryStore(), feed)
    const { engine, issued, id } = await attached({ store: holding.store })
    const connection = engine.connect(issued.session, () => undefined)
    await settle()
    expect(connection.check()).toBe(true)
    holding.holding = new Set(['get'])
    listeners.tell(what === 'it' ? [id] : undefined)
    expect(connection.check()).toBeInstanceOf(Promise)
    for (const call of holding.held) call.answer()
    await settle()
    expect(connection.check()).toBe(true)
  })

  it('is refused at the instant of the limit, although no timer has run', async () => {
    const { engine, clock, issued } = await attached()
    const connection = engine.connect(issued.session, () => undefined)
    await settle()
    clock.jumpTo(clock.now() + 30 * minute - 1)
    expect(await connection.check()).toBe(true)
    clock.jumpTo(clock.now() + 1)
    expect(await connection.check()).toBe(false)
  })

  it('keeps the session from idling out, and moves nothing that has ended', async () => {
    const { engine, clock, issued, close } = await attached()
    const connection = engine.connect(issued.session, () => undefined)
    for (let passed = 0; passed < 4; passed += 1) {
      for (let step = 0; step < 20; step += 1) {
        clock.advance(minute)
        await settle()
      }
      connection.note()
      clock.advance(2 * second)
      await settle()
    }
    expect(close).not.toHaveBeenCalled()
    clock.jumpTo(clock.now() + 31 * minute)
    connection.note()
    clock.advance(2 * second)
    await settle()
    expect(close.mock.calls).toEqual([[{ cause: 'expired' }]])
  })
})

it('a connection that is attached after close() is closed at once', async () => {
  const { engine, issued } = await attached()
  await engine.close()
  const late = vi.fn()
  engine.attach(issued.session, late)
  expect(late.mock.calls).toEqual([[{ cause: 'closing' }]])
})
