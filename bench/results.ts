/** Everything that one run measured, as it is written to `--out`. */
import { cpus, release, totalmem } from 'node:os'
import type { HttpResult } from './http/http.ts'
import type { LiveResult } from './live/live.ts'
import { readManifest } from './manifest.ts'
import type { MemoryResult } from './memory/memory.ts'
import type { MicroResult } from './micro/micro.ts'
import type { RevocationResults } from './revocation/revocation.ts'
import type { SignInResult } from './sign-in/sign-in.ts'
import type { StartResult } from './start/start.ts'
import type { StoresResult } from './stores/stores.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
}

export interface Results {
  /** ISO 8601. */
  readonly at: string
  readonly machine: Machine
  /** Versions of what was measured, by package. */
  readonly versions: Readonly<Record<string, string>>
  readonly micro?: MicroResult
  readonly http?: HttpResult
  readonly memory?: MemoryResult
  readonly stores?: StoresResult
  readonly revocation?: RevocationResults
  readonly live?: LiveResult
  readonly start?: StartResult
  readonly 'sign-in'?: SignInResult
}

export function describeMachine(): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release().split('-', 1)[0]}`,
    node: process.version,
  }
}

const frameworks = ['express', 'fastify', 'hono', '@hono/node-server'] as const

export async function readVersions(): Promise<Record<string, string>> {
  const versions: Record<string, string> = {}
  const { version = 'unknown' } = await readManifest(new URL('../packages/holdfast/package.json', import.meta.url))
  versions.holdfast = version
  for (const name of frameworks) {
    versions[name] = (await readManifest(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version ?? 'unknown'
  }
  const { dependencies = {} } = await readManifest(new URL('./package.json', import.meta.url))
  return { ...versions, ...dependencies }
}
