/** What a signing secret must be. */

const shortest = 32
const fewestDistinct = 10
/** Words of seven letters and more only: a shorter one turns up in good random text now and then. */
const placeholder =
  /change[-_ ]?(me|this)|placeholder|example|(your|my|super|dev|test)[-_ ]?secret|password|replace[-_ ]?(me|this)|1234567|abcdefg|qwertyu/i

/** What is wrong with a secret, without repeating any of it; `undefined` when nothing is. */
export function secretProblem(secret: unknown): string | undefined {
  if (typeof secret !== 'string' || secret === '') return 'is required: generate one with `openssl rand -base64 48`'
  if (secret.length < shortest) return `must have at least ${shortest} characters; it has ${secret.length}`
  if (placeholder.test(secret)) return 'looks like a placeholder: generate one with `openssl rand -base64 48`'
  if (new Set(secret).size < fewestDistinct) return `must have at least ${fewestDistinct} different characters`
  return undefined
}
