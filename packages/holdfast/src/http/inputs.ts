/** What an app asks of a request, by callers whose types nobody checked: names and values that `engine/inputs.ts` does not know. */
import { anything, flag, inputRules, type Rule, type RulesFor, text } from '../engine/inputs.ts'
import type { SignInInput, StartAnonymousInput } from './changes.ts'
import type { TokenSignInInput } from './tokens.ts'
import type { VisitInput } from './visitors.ts'

const oneOf =
  (...choices: readonly string[]): Rule =>
  (value) =>
    choices.some((choice) => choice === value) ? undefined : `must be one of ${choices.join(', ')}`

type OfRequest = 'context' | 'replaces' | 'promotes'

/** Who asks is the request itself, and what it came with decides what is replaced. */
function withoutRequest<R extends object>(rules: R): Omit<R, OfRequest> {
  const { context: _, replaces: __, promotes: ___, ...rest } = rules as R & Partial<Record<OfRequest, Rule>>
  return rest
}

const startAnonymous: RulesFor<StartAnonymousInput> = { attributes: anything, carrier: oneOf('header', 'cookie') }

interface RequestRules {
  readonly signIn: RulesFor<SignInInput>
  readonly issueTokens: RulesFor<TokenSignInInput>
  readonly startAnonymous: RulesFor<StartAnonymousInput>
  readonly visit: RulesFor<VisitInput>
}

export const requestRules: RequestRules = {
  signIn: { ...withoutRequest(inputRules.issue), allowCrossSite: flag },
  issueTokens: { ...withoutRequest(inputRules.issueTokens), carrier: oneOf('body', 'cookie'), allowCrossSite: flag },
  startAnonymous,
  visit: { ...startAnonymous, session: text },
}
