/** Options of open streams and sockets. */
import { type Duration, milliseconds } from '../engine/duration.ts'
import type { Report } from '../engine/option-readers.ts'
import type { LiveSettings } from './live.ts'

export interface ConnectionOptions {
  /** Open at once for one session. Default 20. */
  readonly perSession?: number
  /** Open at once from one source (IPv4 /32, IPv6 /64). Default 256. */
  readonly perSource?: number
  /** Open at once in this process. Default 20 000. */
  readonly total?: number
  /** Bytes that may wait for one reader before it is cut off. Default 256 KiB. */
  readonly maxBuffered?: number
  /** How often something is written, so that proxies keep the connection. Default 15 s; 1 s to 5 min. */
  readonly heartbeat?: Duration
  /** How long a reader may take nothing while something waits for it. Default 10 s. */
  readonly writeTimeout?: Duration
  /** After this much time a client is made to connect again. Default 1 h. */
  readonly maxAge?: Duration
}

interface Range {
  readonly default: number
  readonly min: number
  readonly max: number
  /** Milliseconds, which may be spelled as a duration. */
  readonly isTime?: true
}

const ranges: { readonly [Name in keyof LiveSettings]: Range } = {
  perSession: { default: 20, min: 1, max: 10_000 },
  perSource: { default: 256, min: 1, max: 1_000_000 },
  total: { default: 20_000, min: 1, max: 1_000_000 },
  maxBuffered: { default: 256 * 1024, min: 1024, max: 64 * 1024 * 1024 },
  heartbeat: { default: 15_000, min: 1000, max: 300_000, isTime: true },
  writeTimeout: { default: 10_000, min: 1000, max: 300_000, isTime: true },
  maxAge: { default: 3_600_000, min: 60_000, max: 86_400_000, isTime: true },
}

export const connectionNames = Object.keys(ranges) as readonly (keyof LiveSettings)[]

function read(value: unknown, field: string, range: Range, report: Report): number {
  if (value === undefined) return range.default
  const number = range.isTime === true ? milliseconds(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= range.min && number <= range.max) return number
  const [what, unit] = range.isTime === true ? ["a duration such as '30s'", ' ms'] : ['a whole number', '']
  report({ field, message: `must be ${what}, from ${range.min} to ${range.max}${unit}` })
  return range.default
}

/** Reads the options, reporting every problem. */
export function readConnections(given: ConnectionOptions | undefined, report: Report): LiveSettings {
  const settings = connectionNames.map((name) => [name, read(given?.[name], `connections.${name}`, ranges[name], report)])
  return Object.fromEntries(settings) as unknown as LiveSettings
}
