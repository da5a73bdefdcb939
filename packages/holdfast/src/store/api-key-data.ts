/** The part of an API key's record that no statement looks at, as one JSON text: shared by the stores. */
import type { ApiKeyRecord } from './api-keys.ts'

type Data = Pick<ApiKeyRecord, 'name' | 'digest' | 'scopes' | 'networks'>

export function packApiKey({ name, digest, scopes, networks }: ApiKeyRecord): string {
  return JSON.stringify([name, digest, scopes, networks])
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)

/** Throws when the text is damaged; names the key, never what stands in it. */
export function unpackApiKey(id: string, text: string): Data {
  const [name, digest, scopes, networks] = parse(text)
  if (!isText(name) || !isText(digest) || !isTexts(scopes) || !isTexts(networks)) {
    throw new Error(`the stored API key ${id} is damaged`)
  }
  return { name: name as string, digest: digest as string, scopes: scopes as string[], networks: networks as string[] }
}

function parse(text: string): readonly unknown[] {
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? found : []
  } catch {
    return []
  }
}
