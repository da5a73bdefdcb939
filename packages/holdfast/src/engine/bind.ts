/** What to do when a session is presented by a client that does not look like its own. */
import type { SessionRecord } from '../store/store.ts'
import type { Core } from './core.ts'
import { matchesFingerprint } from './fingerprint.ts'
import { keptAddress, networkOf } from './network.ts'
import type { ChangePolicy } from './options.ts'
import type { RequestContext } from './session.ts'

export type BindingOutcome = 'pass' | 'step-up' | 'deny' | 'revoke'

export interface BindingCheck {
  readonly outcome: BindingOutcome
  /** Whether the client came from another network than last recorded. */
  readonly moved: boolean
}

interface Finding {
  readonly kind: 'session_binding_mismatch' | 'session_ip_changed'
  readonly policy: ChangePolicy
}

const outcomes: Readonly<Record<ChangePolicy, BindingOutcome>> = {
  off: 'pass',
  log: 'pass',
  'step-up': 'step-up',
  deny: 'deny',
  revoke: 'revoke',
}

const severity: readonly BindingOutcome[] = ['pass', 'step-up', 'deny', 'revoke']

function findingsOf(core: Core, record: SessionRecord, context: RequestContext): Finding[] {
  const { fingerprint, ipChange } = core.settings
  const findings: Finding[] = []
  const bound = record.binding.fingerprint
  if (fingerprint !== 'off' && bound !== null && !matchesFingerprint(core.keyring, bound, context.userAgent)) {
    findings.push({ kind: 'session_binding_mismatch', policy: fingerprint })
  }
  // The everyday case first: the address as last recorded.
  const ip = context.ip === record.lastIp ? null : keptAddress(context.ip)
  const moved = ip !== null && record.lastIp !== null && ip !== record.lastIp && networkOf(ip) !== networkOf(record.lastIp)
  if (ipChange !== 'off' && moved) findings.push({ kind: 'session_ip_changed', policy: ipChange })
  return findings
}

/** What there is to say of a client that looks like the session's own, or of a check without one. */
export const unremarkable: BindingCheck = { outcome: 'pass', moved: false }

/** The strictest outcome that the policies ask for; each finding raises its event. */
export function checkBinding(core: Core, record: SessionRecord, context: RequestContext): BindingCheck {
  const findings = findingsOf(core, record, context)
  if (findings.length === 0) return unremarkable
  let strictest: BindingOutcome = 'pass'
  let moved = false
  for (const { kind, policy } of findings) {
    const outcome = outcomes[policy]
    moved ||= kind === 'session_ip_changed'
    core.events.emit({ kind, session: record.id, subject: record.subject, ip: context.ip ?? null, outcome: policy })
    if (severity.indexOf(outcome) > severity.indexOf(strictest)) strictest = outcome
  }
  return { outcome: strictest, moved }
}
