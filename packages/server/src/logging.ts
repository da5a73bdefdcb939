/** Structured logs on standard output. Nothing that came in a header or a body is ever passed to them. */
import pino, { type Logger, type LoggerOptions } from 'pino'
import pretty from 'pino-pretty'
import type { LogSetting } from './config/parse.ts'

export type { Logger } from 'pino'

const longestText = 256
/** Control and line-separating characters, and the invisible ones that reorder or hide text in a terminal. */
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Text from outside, safe to write to a log or a terminal: escaped and bounded. */
export function printable(text: string): string {
  const cut = text.length > longestText ? `${text.slice(0, longestText)}…` : text
  return cut.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

function faultFields(fault: unknown): object {
  if (!(fault instanceof Error)) return { type: typeof fault }
  const code = 'code' in fault && typeof fault.code === 'string' ? { code: fault.code } : {}
  const cause = fault.cause === undefined ? {} : { cause: faultFields(fault.cause) }
  // The stack repeats the message, whose text may come from outside; only the places are kept.
  const at = (fault.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
  return { type: fault.name, message: printable(fault.message), ...code, at: at.slice(0, 12), ...cause }
}

/** A second wall: these would be masked if a caller ever logged a whole request or body. */
const masked = ['password', 'currentPassword', 'newPassword', 'token', 'secret', 'authorization', 'cookie', 'set-cookie']
const maskedPaths = masked.flatMap((name) => ['', '*', '*.*'].map((place) => `${place}["${name}"]`))

/** `stream` is standard output unless a test collects the lines. */
export function createLogger(setting: LogSetting, stream: NodeJS.WritableStream & { isTTY?: boolean } = process.stdout): Logger {
  const options: LoggerOptions = {
    level: setting.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: faultFields },
    formatters: { level: (label) => ({ level: label }) },
    redact: maskedPaths,
  }
  const format = setting.format ?? (stream.isTTY === true ? 'pretty' : 'json')
  if (format === 'json') return pino(options, stream)
  return pino(
    options,
    pretty({ destination: stream, colorize: stream.isTTY === true, sync: true, translateTime: 'SYS:HH:MM:ss' }),
  )
}
