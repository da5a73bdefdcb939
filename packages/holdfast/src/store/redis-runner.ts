/** Runs scripts by digest; a server that does not know one, after a restart or a failover, is sent its text. */
import type { Script } from './redis-lua.ts'

export type Send = (args: string[]) => Promise<unknown>

const digests: Map<Script, string> = new Map()

function isUnknownScript(fault: unknown): boolean {
  return fault instanceof Error && fault.message.startsWith('NOSCRIPT')
}

/** Sends by digest, if it is known here; else, or when the server does not know it, the text. */
export async function runScript(send: Send, script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args]
  const digest = digests.get(script)
  if (digest !== undefined) {
    try {
      return await send(['EVALSHA', digest, ...rest])
    } catch (fault) {
      if (!isUnknownScript(fault)) throw fault
    }
  }
  const answer = await send(['EVAL', script.source, ...rest])
  if (digest === undefined) await learnDigest(send, script)
  return answer
}

/** The server computes the SHA-1: the library does without. */
async function learnDigest(send: Send, script: Script): Promise<void> {
  try {
    const digest = await send(['SCRIPT', 'LOAD', script.source])
    if (typeof digest === 'string') digests.set(script, digest)
  } catch {
    // The next call sends the text again.
  }
}
