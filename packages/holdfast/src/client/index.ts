/** Names, codes and JSON shapes for code that runs in a browser. Reaches no Node module and holds no secret. */
export {
  type DeadReason,
  deadReasons,
  type ProblemCode,
  problems,
  type RevocationReason,
  revocationReasons,
  type UnknownCode,
} from '../shared/codes.ts'
export {
  closeCodes,
  type SessionEndedWire,
  type SessionEndReason,
  type SessionTokenWire,
  streamEvents,
  type TicketWire,
  ticketProtocol,
} from '../shared/live.ts'
export { anonymousTokenHeader, csrfCookie, csrfHeader } from '../shared/names.ts'
export type { CurrentSessionWire, FieldProblem, PageWire, ProblemWire, SessionWire } from '../shared/wire.ts'
