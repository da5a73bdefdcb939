/** Packs the built library once and installs the archive into an empty project, as a user would. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { packLibrary } from '../../scripts/check-package.ts'
import { run } from '../../scripts/checks/run.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder whose `node_modules` holds the packed library and nothing else. */
    readonly consumer: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-consumer-')))
  const archive = await packLibrary(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  // Offline: a library with no runtime dependency installs without asking anyone.
  const args = ['install', '--offline', '--omit=dev', '--omit=peer', '--no-audit', '--no-fund', archive]
  const installed = await run('npm', args, { cwd: folder })
  if (!installed.ok) throw new Error(`npm install of the packed library ${installed.why}\n${installed.output}`)
  project.provide('consumer', folder)
  return () => rm(folder, { recursive: true, force: true })
}
