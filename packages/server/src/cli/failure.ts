/** How a command ends badly: one clear message on standard error, exit code 1. */
import { ConfigurationError, HoldfastError } from 'holdfast'
import { describeProblems } from '../config/config.ts'
import type { Problem } from '../config/consistency.ts'
import { printable } from '../logging.ts'

/** A message for whoever runs the command; nothing else is printed. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
}

export function refuse(problems: readonly Problem[]): CommandFailure {
  return new CommandFailure(describeProblems(problems))
}

function messageOf(fault: unknown): string {
  if (fault instanceof CommandFailure || fault instanceof ConfigurationError) return fault.message
  if (fault instanceof HoldfastError && fault.fields.length > 0) {
    return fault.fields.map(({ field, message }) => `holdfast-server: ${field} ${message}`).join('\n')
  }
  return `holdfast-server: ${printable(fault instanceof Error ? fault.message : 'unknown fault')}`
}

export function reportFailure(fault: unknown): void {
  console.error(messageOf(fault))
  process.exitCode = 1
}
