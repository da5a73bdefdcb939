/** `holdfast-server init`: a commented `.env` with a fresh secret. */
import { rmSync, writeFileSync } from 'node:fs'
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
    // Ours then, and empty for want of room: the next try would find it and leave it so.
    if (!exists) rmSync(path, { force: true })
    throw new CommandFailure(`holdfast-server: ${path} ${exists ? 'exists already; it was not changed' : fileProblem(fault)}`)
  }
  console.log(`Wrote ${path} with a new secret, readable by you only.`)
}
