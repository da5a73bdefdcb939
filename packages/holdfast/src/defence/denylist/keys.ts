/** Names of what is denied. Digests, so that any name fits and the store learns neither tokens nor people. */
import { sha256 } from '../../engine/crypto.ts'

export interface DenialKeys {
  readonly everything: string
  token(digest: string): string
  id(jti: string): string
  subject(subject: string): string
}

/** Keys of the app called `name`: apps that share a store do not revoke each other's tokens. */
export function denialKeys(name: string): DenialKeys {
  // JSON keeps the parts apart: no name and value together can spell another pair.
  const key = (kind: string, value: string) => `${kind}:${sha256(JSON.stringify([name, kind, value]))}`
  return {
    everything: key('everything', ''),
    token: (digest) => key('digest', digest),
    id: (jti) => key('jti', jti),
    subject: (subject) => key('subject', subject),
  }
}
