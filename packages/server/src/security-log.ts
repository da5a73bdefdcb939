/** Security events of accounts and administration: told beside those of sessions, and logged with them. */
import { type EventInput, type EventSeverity, eventKinds, type SecurityEvent } from 'holdfast'
import type { Logger } from './logging.ts'

export type SecurityLog = (event: EventInput) => void

const levels = { info: 'info', warn: 'warn', critical: 'error' } as const satisfies Record<EventSeverity, keyof Logger>

export function logEvent(logger: Logger, event: SecurityEvent): void {
  const { severity, means } = eventKinds[event.kind]
  logger[levels[severity]]({ event }, means)
}
