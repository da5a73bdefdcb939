/** Starting a session that is carried by an access and a refresh token. */
import type { TokenGrant } from '../store/store.ts'
import { isGranted, mintAccess } from './access.ts'
import type { TokensInput } from './api.ts'
import { type Core, listed } from './core.ts'
import { invalidField } from './errors.ts'
import { checkInput, inputRules } from './inputs.ts'
import { abandon, type Carried, startForSubject } from './issue.ts'
import { isAudience } from './jwt/options.ts'
import { promote } from './promote.ts'
import type { IssuedTokens } from './session.ts'

const longestName = 256
const longestLabel = 64
/** RFC 6749 appendix A.1: VSCHAR. */
const clientIdSpelling = /^[\x20-\x7e]+$/
const unfit = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function checkText(field: string, text: unknown, longest: number, fits: (text: string) => boolean): void {
  if (text === undefined) return
  if (typeof text !== 'string' || text.trim() === '') throw invalidField(field, 'must not be blank')
  if (text.length > longest) throw invalidField(field, `must have at most ${longest} characters`)
  if (!fits(text)) throw invalidField(field, 'has characters that are not allowed')
}

function grantOf(core: Core, { format = 'opaque', audience, clientId }: TokensInput): TokenGrant {
  if (format !== 'opaque' && format !== 'jwt') throw invalidField('format', 'must be opaque or jwt')
  if (format === 'jwt' && core.jwt === null) throw invalidField('format', 'jwt is not set up here: it needs the jwt option')
  checkText('audience', audience, longestName, isAudience)
  checkText('clientId', clientId, longestName, (text) => clientIdSpelling.test(text))
  return { salt: core.tokens.newSalt(), format, audience: audience ?? null, clientId: clientId ?? null }
}

async function begin(core: Core, input: TokensInput, carried: Carried): Promise<IssuedTokens> {
  const { record, token } = await startForSubject(core, input, carried)
  try {
    if (!isGranted(record)) throw new TypeError('started without a grant')
    const access = mintAccess(core, record, record.createdAt, false)
    const session = listed(record, record.createdAt)
    return { session, accessToken: access.token, accessExpiresAt: access.expiresAt, refreshToken: token }
  } catch (fault) {
    abandon(core, record.id)
    throw fault
  }
}

export async function issueTokens(core: Core, given: TokensInput): Promise<IssuedTokens> {
  checkInput(given, 'input', inputRules.issueTokens)
  const { promotes, ...input } = given
  checkText('label', input.label, longestLabel, (text) => !unfit.test(text))
  const { limits } = core.settings.tokens
  const carried: Carried = { kind: 'refresh', limits, persistent: true, grant: grantOf(core, input), label: input.label }
  const promoted =
    promotes === undefined ? undefined : await promote(core, promotes, input, (merged) => begin(core, merged, carried))
  return promoted ?? begin(core, input, carried)
}
