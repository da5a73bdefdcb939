/** Form bodies of the OAuth endpoints (RFC 6749 appendix B): each parameter once, in UTF-8, or the whole is refused. */
import type { FastifyInstance } from 'fastify'
import { HoldfastError } from 'holdfast'
import { longestBody } from './body.ts'

export type Form = Readonly<Record<string, string>>

function refused(detail: string): HoldfastError {
  return new HoldfastError('invalid-request', { detail })
}

/** Throws `URIError` for a cut escape and for bytes that are no UTF-8. */
function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

/** A parameter without a value counts as left out (RFC 6749 section 3.2). */
export function parseForm(text: string): Form {
  // Without a prototype: a parameter may be called anything.
  const form: Record<string, string> = Object.create(null)
  const seen = new Set<string>()
  for (const pair of text.split('&')) {
    const at = pair.indexOf('=')
    const name = decoded(at === -1 ? pair : pair.slice(0, at))
    if (name === '') continue
    if (seen.has(name)) throw refused('a parameter is given twice')
    seen.add(name)
    const value = at === -1 ? '' : decoded(pair.slice(at + 1))
    if (value !== '') form[name] = value
  }
  return form
}

/** For a scope of its own: there a form is the only body, as elsewhere JSON is. */
export function installFormParser(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    // One byte per character, so that what is not ASCII is seen, and refused, before it is decoded.
    { parseAs: 'buffer', bodyLimit: longestBody },
    (_request, bytes, done) => {
      const text = (bytes as Buffer).toString('latin1')
      if (/[^\x21-\x7e]/.test(text)) return done(refused('the body is not a form'))
      try {
        done(null, parseForm(text))
      } catch (fault) {
        done(fault instanceof HoldfastError ? fault : refused('the body is not a form in UTF-8'))
      }
    },
  )
}
