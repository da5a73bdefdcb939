/** The `.env` file of the working folder, and the commented one that `init` writes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { type SettingName, variables } from './variables.ts'

export type Environment = { readonly [name: string]: string | undefined }

/** What the file sets; nothing when there is none. Throws when it exists and cannot be read. */
export function readEnvFile(folder: string): Environment {
  let content: string
  try {
    content = readFileSync(join(folder, '.env'), 'utf8')
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return {}
    throw fault
  }
  return parseEnv(content)
}

/** A commented `.env`; the values given are set, everything else is shown commented out. */
export function envFile(values: { readonly [K in SettingName]?: string } = {}): string {
  const names = Object.keys(variables) as SettingName[]
  const paragraphs = names.map((key) => {
    const { name, meaning, fallback, example } = variables[key]
    const value = values[key]
    const setting = value === undefined ? `# ${name}=${example}` : `${name}=${value}`
    return [...meaning.map((line) => `# ${line}.`), `# Default: ${fallback}.`, setting].join('\n')
  })
  return ['# Settings of holdfast-server. The environment wins over this file.', ...paragraphs, '']
    .join('\n\n')
    .trimEnd()
    .concat('\n')
}
