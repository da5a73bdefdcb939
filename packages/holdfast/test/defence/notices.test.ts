import { describe, expect, it, vi } from 'vitest'
import { createNotices, type Notice, type NoticeOptions, noticeEvents } from '../../src/defence/notices.ts'
import { ConfigurationError } from '../../src/engine/errors.ts'
import type { SecurityEvent } from '../../src/engine/events.ts'
import { type EventKind, eventKinds } from '../../src/shared/event-kinds.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { chrome, firefox, minute, settle, start } from '../engine/support/start.ts'

const nothing = { session: null, subject: null, actor: null, ip: null, object: null, reason: null, outcome: null }

function event(kind: EventKind, changes: Partial<SecurityEvent> = {}): SecurityEvent {
  return { ...nothing, schema: 1, at: 5, kind, subject: 'alice', ...changes }
}

function open(options: Partial<NoticeOptions> = {}) {
  const sent: Notice[] = []
  const clock = fakeClock()
  const onFault = vi.fn()
  const listener = createNotices({ send: (notice) => void sent.push(notice), clock, onFault, ...options })
  return { sent, clock, onFault, listener }
}

describe('notices', () => {
  it('go to whom the event is about, for each kind that is for users and for no other', () => {
    const { sent, listener } = open()
    for (const kind of Object.keys(eventKinds) as EventKind[]) listener(event(kind, { ip: '192.0.2.1', session: 's' }))
    expect(Object.fromEntries(sent.map(({ kind, event: about }) => [kind, about]))).toEqual(noticeEvents)
    expect(sent[0]).toMatchObject({ subject: 'alice', at: 5, ip: '192.0.2.1', session: 's' })
  })

  it('go to nobody for a name that no account has, and for kinds that are not wanted', () => {
    const { sent, listener } = open({ kinds: ['account-locked'] })
    listener(event('authn_login_lock', { subject: null }))
    listener(event('authn_password_change'))
    expect(sent).toEqual([])
  })

  it('are remembered of ten thousand people, those told last', async () => {
    const { sent, listener } = open()
    for (let at = 0; at <= 10_000; at += 1) {
      listener(event('authn_login_lock', { subject: `s${at}` }))
      if (at % 50 === 0) await settle()
    }
    const before = sent.length
    for (const subject of ['s10000', 's1', 's0']) listener(event('authn_login_lock', { subject }))
    expect(sent.slice(before).map(({ subject }) => subject)).toEqual(['s0'])
  })

  it('come once in ten minutes, each kind to each subject', () => {
    const { sent, clock, listener } = open()
    for (let at = 0; at < 10; at += 1) listener(event('authn_login_lock'))
    listener(event('authn_login_lock', { subject: 'bob' }))
    listener(event('authn_password_change'))
    expect(sent.map(({ subject, kind }) => `${subject} ${kind}`)).toEqual([
      'alice account-locked',
      'bob account-locked',
      'alice password-changed',
    ])
    clock.advance(10 * minute - 1)
    listener(event('authn_login_lock'))
    clock.advance(1)
    listener(event('authn_login_lock'))
    expect(sent).toHaveLength(4)
  })

  it('are not waited for; what fails is reported, and what comes beyond a hundred under way', async () => {
    const failing = open({ send: () => Promise.reject(new Error('no mail')) })
    failing.listener(event('authn_login_lock'))
    await settle()
    expect(failing.onFault).toHaveBeenCalledWith(new Error('no mail'), 'telling a user of authn_login_lock')

    let begun = 0
    const hanging = open({
      send: () => {
        begun += 1
        return new Promise(() => {})
      },
    })
    for (let at = 0; at < 150; at += 1) hanging.listener(event('authn_login_lock', { subject: `user ${at}` }))
    expect([begun, hanging.onFault.mock.calls.length]).toEqual([100, 50])
  })

  it('follow an engine', async () => {
    const { sent, listener } = open()
    const { engine } = start({ sessionsPerSubject: { max: 1 } })
    engine.on(listener)
    const { token } = await engine.issue({ subject: 'alice', context: firefox })
    await engine.verify(token, chrome)
    await engine.issue({ subject: 'alice', context: firefox })
    expect(sent.map(({ kind }) => kind)).toEqual(['other-client', 'session-evicted'])
  })

  it.each([
    [{ send: 'mail' }, ['send']],
    [{ kinds: ['new-moon'] }, ['kinds']],
    [{ quiet: '2 days' }, ['quiet']],
    [{ quiet: -1, kinds: 'all' }, ['kinds', 'quiet']],
  ])('refuse %o', (options, fields) => {
    let fault: unknown
    try {
      open(options as never)
    } catch (thrown) {
      fault = thrown
    }
    expect(fault).toBeInstanceOf(ConfigurationError)
    expect((fault as ConfigurationError).problems.map(({ field }) => field)).toEqual(fields)
  })
})
