/** What an API key may be made of. */
import { HoldfastError } from '../engine/errors.ts'
import { anything, type RulesFor } from '../engine/inputs.ts'
import type { FieldProblem } from '../shared/wire.ts'
import type { Instant } from '../store/store.ts'
import { networkProblem } from './networks.ts'

export interface ApiKeyInput {
  /** Whom it acts for, 1 to 256 characters. */
  readonly owner: string
  /** What its owner calls it, 1 to 100 characters without control characters. */
  readonly name: string
  /** What it may be used for: up to 32 scope tokens (RFC 6749, 3.3) of 1 to 64 characters. Default none. */
  readonly scopes?: readonly string[]
  /** Where it may be used from: up to 32 addresses or CIDR blocks. Default anywhere. */
  readonly networks?: readonly string[]
  /** When it ends: at most ten years from now. Default never. */
  readonly expiresAt?: Instant | null
}

const mostEntries = 32
const mostYears = 10 * 366 * 86_400_000
const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/
const control = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u

type Problem = string | undefined

function textProblem(text: unknown, longest: number): Problem {
  if (typeof text !== 'string' || text.trim() === '' || text.length > longest)
    return `must be a text of 1 to ${longest} characters`
  return control.test(text) ? 'must not contain control characters' : undefined
}

function listProblem(list: unknown, entryProblem: (entry: string) => Problem): Problem {
  if (!Array.isArray(list) || list.length > mostEntries) return `must be a list of at most ${mostEntries}`
  for (const entry of list) {
    const problem = typeof entry === 'string' ? entryProblem(entry) : 'must be texts'
    if (problem !== undefined) return problem
  }
  return new Set(list).size < list.length ? 'must not name anything twice' : undefined
}

function expiryProblem(expiresAt: unknown, now: Instant): Problem {
  if (expiresAt === null) return undefined
  if (!Number.isSafeInteger(expiresAt)) return 'must be a time'
  const left = Number(expiresAt) - now
  return left > 0 && left <= mostYears ? undefined : 'must be in the future, at most ten years from now'
}

const scopeProblem = (scope: string): Problem =>
  scopePattern.test(scope) ? undefined : 'must be 1 to 64 printable ASCII characters without space, quote and backslash'

/** With a misspelt field a key would be good from anywhere, or for ever. */
export const apiKeyRules: RulesFor<ApiKeyInput> = {
  owner: anything,
  name: anything,
  scopes: anything,
  networks: anything,
  expiresAt: anything,
}

/** The input with its defaults. Throws `invalid-request`, naming every field that is wrong. */
export function checkedInput(input: ApiKeyInput, now: Instant): Required<ApiKeyInput> {
  const { owner, name, scopes = [], networks = [], expiresAt = null } = input
  const problems = {
    owner: textProblem(owner, 256),
    name: textProblem(name, 100),
    scopes: listProblem(scopes, scopeProblem),
    networks: listProblem(networks, networkProblem),
    expiresAt: expiryProblem(expiresAt, now),
  }
  const fields: FieldProblem[] = []
  for (const [field, message] of Object.entries(problems)) if (message !== undefined) fields.push({ field, message })
  const [first] = fields
  if (first !== undefined) throw new HoldfastError('invalid-request', { detail: `${first.field} ${first.message}`, fields })
  return { owner, name, scopes, networks, expiresAt }
}
