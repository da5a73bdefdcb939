/** Security events of accounts and administration: told beside those of sessions, and logged with them. */
import { type EventInput, type EventSeverity, eventKinds, type SecurityEvent } from 'holdfast'
import { type Logger, printable } from './logging.ts'

/** Who did it when it was done at the command line: no account has such an id. */
export const commandLine = 'command-line'

export type SecurityLog = (event: EventInput) => void

const levels = { info: 'info', warn: 'warn', critical: 'error' } as const satisfies Record<EventSeverity, keyof Logger>

/** Subjects and objects may be of an app's choosing: no character of theirs may forge a line or hide one. */
function safe(event: SecurityEvent): object {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, typeof value === 'string' ? printable(value) : value]),
  )
}

export function logEvent(logger: Logger, event: SecurityEvent): void {
  const { severity, means } = eventKinds[event.kind]
  logger[levels[severity]]({ event: safe(event) }, means)
}
