/** `holdfast-server events …`: the trail of security events from the command line. */
import { type Command, InvalidArgumentError } from 'commander'
import { pause } from '../clock.ts'
import { type EventLog, eventWire, readBack, type StoredEvent } from '../events.ts'
import { printable } from '../logging.ts'
import { CommandFailure } from './failure.ts'
import { outputGone } from './output.ts'
import type { OutputOptions } from './table.ts'
import { withServices } from './with-services.ts'

interface TailOptions extends OutputOptions {
  readonly lines: number
  readonly follow: boolean
}
interface Head {
  readonly sequence: number
  readonly hash: string
}
interface VerifyOptions {
  readonly head?: Head
}

const pollMs = 500
const mostLines = 1000
const readAtOnce = 500

const headPattern = /^([1-9]\d{0,14}):([\w.-]{1,128})$/

function headOf(text: string): Head {
  const [, sequence, hash] = headPattern.exec(text) ?? []
  if (sequence === undefined || hash === undefined) throw new InvalidArgumentError('It must be one that `events verify` printed.')
  return { sequence: Number(sequence), hash }
}

async function verify({ head: expected }: VerifyOptions): Promise<void> {
  await withServices(async ({ events }) => {
    const verdict = await events.verify(expected)
    if (!verdict.whole) {
      throw new CommandFailure(`holdfast-server: the chain of events is broken at ${verdict.sequence}: ${verdict.problem}`)
    }
    const { head: found, events: count } = verdict
    console.log(count === 1 ? 'whole: 1 event' : `whole: ${count} events`)
    if (found !== undefined) console.log(`head: ${found.sequence}:${found.hash}`)
  })
}

/** One line an event; JSON escapes what could move the cursor but not what reorders or hides text, so both are made plain. */
function lineOf(event: StoredEvent, json: boolean): string {
  const { sequence, at, kind, category: _, severity, hash: __, ...details } = eventWire(event)
  if (json) return JSON.stringify(eventWire(event)).replace(/[^\x20-\x7e]/g, escaped)
  const told = Object.entries(details).flatMap(([name, value]) => (value === null ? [] : [`${name}=${printable(value)}`]))
  return [at, severity.padEnd(8), String(sequence), printable(kind), ...told].join(' ')
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Prints what comes after a sequence; returns the last one printed. */
async function printAfter(log: EventLog, after: number, print: (event: StoredEvent) => void): Promise<number> {
  let last = after
  for (;;) {
    const found = await log.read({ after: last, limit: readAtOnce })
    for (const event of found) print(event)
    last = found.at(-1)?.sequence ?? last
    if (found.length < readAtOnce) return last
  }
}

function linesOf(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) <= mostLines) return Number(text)
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${mostLines}.`)
}

async function tail({ lines: count, follow, json = false }: TailOptions): Promise<void> {
  const print = (event: StoredEvent) => console.log(lineOf(event, json))
  await withServices(async ({ eventLog }) => {
    let last = (await eventLog.last())?.sequence ?? 0
    const { items } = count === 0 ? { items: [] } : await readBack(eventLog, {}, count, last + 1)
    for (const event of items.toReversed()) print(event)
    if (!follow) return
    const stopped = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
    const over = AbortSignal.any([stopped.signal, outputGone])
    while (!over.aborted) {
      await pause(pollMs, over)
      last = await printAfter(eventLog, last, print)
    }
  })
}

export function addEventCommands(program: Command): void {
  const events = program.command('events').description('follow and verify the trail of security events')
  events
    .command('tail')
    .description('print the newest events, and follow; ends at an interrupt')
    .option('-n, --lines <count>', 'how many of those that are there', linesOf, 20)
    .option('--no-follow', 'only those that are there')
    .option('--json', 'one JSON object a line')
    .action(tail)
  events
    .command('verify')
    .description('check every link of the chain; exit code 1 when it does not hold')
    .option('--head <head>', 'one that an earlier run printed, kept elsewhere: shows a cut end too', headOf)
    .action(verify)
}
