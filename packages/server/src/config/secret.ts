/** The signing secret outside production: made once, kept in a file that only this user can read. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { secretProblem } from 'holdfast'
import { randomText } from '../random.ts'
import type { SecretSource } from './config.ts'

const secretBytes = 48

/** A new signing secret: 64 base64url characters. */
export function newSecret(): string {
  for (;;) {
    // A random text can happen to contain a word that is refused as a placeholder, about once in 10^7.
    const secret = randomText(secretBytes)
    if (secretProblem(secret) === undefined) return secret
  }
}

/** The file holds something that cannot sign. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError'
}

function readSecretFile(path: string): readonly string[] | undefined {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return undefined
    throw fault
  }
  const secrets = content
    .trim()
    .split(',')
    .map((secret) => secret.trim())
  const message = secrets.map(secretProblem).find((found) => found !== undefined)
  if (message !== undefined) throw new SecretFileError(`${path}: the secret ${message}`)
  return secrets
}

/** Makes the file whole or not at all, so that of several processes that start at once all read the same secret. */
function makeSecretFile(path: string): void {
  const draft = `${path}.${randomText(6)}`
  try {
    writeFileSync(draft, `${newSecret()}\n`, { mode: 0o600, flag: 'wx' })
    linkSync(draft, path)
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'EEXIST')) throw fault
  } finally {
    rmSync(draft, { force: true })
  }
}

/** The secrets, newest first; makes the development one when there is none. */
export function secretsOf(source: SecretSource): readonly string[] {
  if (source.kind === 'given') return source.secrets
  const existing = readSecretFile(source.path)
  if (existing !== undefined) return existing
  makeSecretFile(source.path)
  return readSecretFile(source.path) ?? []
}
