/** Builds every package with `tsc -b`, then drops output whose source is gone, so that it is never packed. */
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from './checks/run.ts'

const root = dirname(import.meta.dirname)
const output = /\.(?:d\.ts|js)(?:\.map)?$/

/** Output files under `dist` whose source under `src` does not exist, as paths. */
export async function staleOutput(packageFolder: string): Promise<string[]> {
  const dist = join(packageFolder, 'dist')
  const files = await readdir(dist, { recursive: true }).catch((): string[] => [])
  return files
    .filter((file) => output.test(file))
    .filter((file) => {
      const source = join(packageFolder, 'src', file.replace(output, ''))
      return !existsSync(`${source}.ts`) && !existsSync(`${source}.tsx`)
    })
    .map((file) => join(dist, file))
}

if (import.meta.main) {
  const built = await run('tsc', ['-b'], { cwd: root })
  console.log(built.output.trimEnd())
  if (!built.ok) {
    console.error(`tsc -b ${built.why}`)
    process.exitCode = 1
  }
  for (const name of await readdir(join(root, 'packages'))) {
    for (const file of await staleOutput(join(root, 'packages', name))) await rm(file)
  }
}
