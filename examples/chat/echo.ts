/** Stands for a language model: says again what it was told, a word at a time. */
import { setTimeout as pause } from 'node:timers/promises'

const perWord = 40

/** Stops when the signal aborts: nobody is left to answer. */
export async function* echo(text: string, signal: AbortSignal): AsyncGenerator<string> {
  for (const word of text.match(/\s*\S+/g) ?? []) {
    if (signal.aborted) return
    yield word
    await pause(perWord, undefined, { signal }).catch(() => undefined)
  }
}
