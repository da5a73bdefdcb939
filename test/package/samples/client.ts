// Type-checked against the packed library without the types of Node, as browser code is.
import { csrfCookie, csrfHeader, type ProblemCode, type ProblemWire, problems, type SessionWire } from 'holdfast/client'

export function titleOf(problem: ProblemWire): string {
  const code: ProblemCode = problem.code
  return problems[code].title
}

export function headersFor(csrfToken: string): Record<string, string> {
  return { [csrfHeader]: csrfToken }
}

export function namesOf(sessions: readonly SessionWire[]): string[] {
  return [csrfCookie.secure, ...sessions.map(({ id, label }) => `${label} ${id}`)]
}

// @ts-expect-error Stores and secrets are no part of the client entry.
export type { SessionStore } from 'holdfast/client'
