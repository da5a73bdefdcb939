/** What is read of a `package.json`. */
import { readFile } from 'node:fs/promises'

export interface Manifest {
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/** Empty when there is none. */
export async function readManifest(url: URL): Promise<Manifest> {
  try {
    return JSON.parse(await readFile(url, 'utf8')) as Manifest
  } catch {
    return {}
  }
}
