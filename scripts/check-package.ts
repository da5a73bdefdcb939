/** Packs the library as it would be published and has publint and attw look at the archive. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from './checks/run.ts'

const root = dirname(import.meta.dirname)

/** Packs the library into `folder`; returns the path of the archive. Throws with npm's words when that fails. */
export async function packLibrary(folder: string): Promise<string> {
  const packed = await run('npm', ['pack', '--workspace', 'holdfast', '--pack-destination', folder, '--json'], { cwd: root })
  const archive = /"filename":\s*"([^"]+)"/.exec(packed.output)?.[1]
  if (!packed.ok || archive === undefined) throw new Error(`npm pack ${packed.why}\n${packed.output}`)
  return join(folder, archive)
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-pack-'))
  try {
    const archive = await packLibrary(folder)
    const checks = [
      ['publint', 'run', archive, '--strict'],
      ['attw', archive, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'],
    ] as const
    for (const [program, ...args] of checks) {
      const ended = await run(program, args, { cwd: root })
      console.log(ended.output.trimEnd())
      if (!ended.ok) {
        console.error(`${program} ${ended.why}`)
        process.exitCode = 1
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
