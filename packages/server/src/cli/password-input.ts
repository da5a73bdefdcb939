/** Passwords for commands: from a terminal without echo, or from standard input. Never from an argument. */
import { CommandFailure } from './failure.ts'

const enter = new Set(['\r', '\n', '\u0004'])
const erase = new Set(['\u007f', '\b'])
const interrupt = '\u0003'

function promptOnTerminal(question: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stdin.resume()
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const finish = (settle: () => void) => {
      stdin.off('data', read)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const take = (character: string): boolean => {
      if (enter.has(character)) finish(() => resolve(typed.join('')))
      else if (character === interrupt) finish(() => reject(new CommandFailure('holdfast-server: interrupted')))
      else if (erase.has(character)) typed = typed.slice(0, -1)
      else typed.push(character)
      return enter.has(character) || character === interrupt
    }
    const read = (chunk: string) => {
      for (const character of chunk) if (take(character)) return
    }
    stdin.on('data', read)
  })
}

/** More than the longest password takes. */
const mostBytes = 4096

/** Reads no further than that line: what feeds it may have no end, or stay open. */
async function firstLineOfInput(): Promise<string> {
  let read = Buffer.alloc(0)
  for await (const chunk of process.stdin) {
    read = Buffer.concat([read, chunk])
    if (read.includes('\n') || read.length > mostBytes) break
  }
  const end = read.indexOf('\n')
  const line = textOf(end < 0 ? read : read.subarray(0, end)).replace(/\r$/, '')
  if (line === '') throw new CommandFailure('holdfast-server: give the password as the first line of standard input')
  return line
}

/** What is no text would be read as another password than the one that was meant. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CommandFailure('holdfast-server: the first line of standard input is not UTF-8 text')
  }
}

/** A new password: asked twice on a terminal, else the first line of standard input. */
export async function readNewPassword(): Promise<string> {
  if (!process.stdin.isTTY) return firstLineOfInput()
  const first = await promptOnTerminal('New password: ')
  const second = await promptOnTerminal('The same again: ')
  if (first !== second) throw new CommandFailure('holdfast-server: the two passwords differ')
  return first
}
