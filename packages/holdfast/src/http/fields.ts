/** Names that a request gives and a route does not take: of its query, or members of its body. */
import type { FieldProblem } from '../shared/wire.ts'

const longestShown = 64
const mostShown = 10

/** A problem for each, cut short and bounded: they are the sender's, and are said back. */
export function unknownFields(given: Iterable<string>, known: readonly string[]): FieldProblem[] {
  const unknown = [...given].filter((name) => !known.includes(name)).slice(0, mostShown)
  return unknown.map((name) => ({ field: name.slice(0, longestShown), message: 'is not known here' }))
}
