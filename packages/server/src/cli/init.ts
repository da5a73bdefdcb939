/** `holdfast-server init`: a commented `.env` with a fresh secret. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileProblem } from '../config/config.ts'
import { envFile } from '../config/env-file.ts'
import { newSecret } from '../config/secret.ts'
import { CommandFailure } from './failure.ts'

export function init(): void {
  const path = join(process.cwd(), '.env')
  try {
    writeFileSync(path, envFile({ secret: newSecret() }), { mode: 0o600, flag: 'wx' })
  } catch (fault) {
    const exists = fault instanceof Error && 'code' in fault && fault.code === 'EEXIST'
    throw new CommandFailure(`holdfast-server: ${path} ${exists ? 'exists already; it was not changed' : fileProblem(fault)}`)
  }
  console.log(`Wrote ${path} with a new secret, readable by you only.`)
}
