/** TLS of a connection to a store, from files. */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { TlsSetting } from '../config/backend.ts'
import { fileProblem } from '../config/config.ts'

/** Throws what reading the files throws. */
export function tlsOptions({ verify, ca, cert, key }: TlsSetting): ConnectionOptions {
  const files = Object.entries({ ca, cert, key }).flatMap(([name, path]) =>
    path === undefined ? [] : [[name, readFileSync(path, 'utf8')] as const],
  )
  return {
    ...Object.fromEntries(files),
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'chain' ? { checkServerIdentity: () => undefined } : {}),
  }
}

/** Which of the files cannot be read. */
export function tlsProblems(tls: TlsSetting | undefined): readonly string[] {
  const paths = tls === undefined ? [] : [tls.ca, tls.cert, tls.key].filter((path) => path !== undefined)
  return paths.flatMap((path) => {
    try {
      readFileSync(path)
      return []
    } catch (fault) {
      return [`${path} ${fileProblem(fault)}`]
    }
  })
}
