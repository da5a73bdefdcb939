/** Compiles a file in a TypeScript project of its own beside the packed library. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Ended, run } from '../../scripts/checks/run.ts'
import { root } from './workspace.ts'

export interface CompileOptions {
  /** What the project has installed beside the library. */
  readonly packages: readonly string[]
  readonly module?: string
  readonly moduleResolution?: string
  /** Leaves declarations unchecked: those of frameworks are not ours. */
  readonly skipLibCheck?: boolean
}

/** `consumer` is where the packed library is installed; the project gets a copy, which finds its peers beside it. */
export async function compile(consumer: string, code: string, options: CompileOptions): Promise<Ended> {
  const { packages, module = 'NodeNext', moduleResolution = 'NodeNext', skipLibCheck = false } = options
  const folder = await mkdtemp(join(consumer, 'project-'))
  try {
    await cp(join(consumer, 'node_modules/holdfast'), join(folder, 'node_modules/holdfast'), { recursive: true })
    for (const name of packages) {
      const link = join(folder, 'node_modules', name)
      await mkdir(dirname(link), { recursive: true })
      await symlink(join(root, 'node_modules', name), link)
    }
    const compilerOptions = {
      ...{ module, moduleResolution, target: 'ES2023', noEmit: true, skipLibCheck },
      ...{ lib: ['ES2023'], types: packages.includes('@types/node') ? ['node'] : [] },
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    }
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['sample.ts'] }))
    await writeFile(join(folder, 'sample.ts'), code)
    return await run('tsc', ['-p', folder], { cwd: folder })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
