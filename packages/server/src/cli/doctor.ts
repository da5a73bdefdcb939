/** `holdfast-server doctor`: what is set up well and what is not; exit code 1 when something fails. */
import { examine } from '../doctor/examine.ts'
import { type OutputOptions, print } from './table.ts'

export async function doctor(options: OutputOptions): Promise<void> {
  const findings = await examine(process.env, process.cwd())
  print(
    findings,
    findings.map(({ check, status, detail }) => ({ check, status, detail })),
    options,
  )
  if (findings.some(({ status }) => status === 'failed')) process.exitCode = 1
}
