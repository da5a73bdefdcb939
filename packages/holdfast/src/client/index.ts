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
export { anonymousTokenHeader, csrfCookie, csrfHeader } from '../shared/names.ts'
export type { CurrentSessionWire, FieldProblem, PageWire, ProblemWire, SessionWire } from '../shared/wire.ts'
