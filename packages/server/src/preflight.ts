/** What can be known to fail before anything is created: asked before the start, and by `doctor`. */
import { createServer } from 'node:net'
import { accountsPlace, sessionsPlace } from './backends/places.ts'
import type { Config } from './config/config.ts'
import type { Problem } from './config/consistency.ts'
import { variables } from './config/variables.ts'

/** Problems of the places where the configuration keeps things. Creates nothing. */
export async function storageProblems(config: Config): Promise<Problem[]> {
  const [sessions, accounts] = await Promise.all([sessionsPlace(config).problems(), accountsPlace(config).problems()])
  // One server or file for both has its problem once.
  const other = accounts.filter((message) => !sessions.includes(message))
  return [
    ...sessions.map((message) => ({ variable: variables.store.name, message })),
    ...other.map((message) => ({ variable: variables.accounts.name, message })),
  ]
}

const listenProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no address of this machine',
}

/** What a failed `listen` means; `undefined` when it is not about the address. */
export function listenProblem(fault: unknown, host: string, port: number): Problem | undefined {
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : ''
  const message = listenProblems[code]
  if (message === undefined) return undefined
  const aboutHost = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
  return aboutHost
    ? { variable: variables.host.name, message: `${host} ${message}` }
    : { variable: variables.port.name, message: `${port} ${message}` }
}

/** Whether the port is free: taken and given back, before anything is created. */
export async function portProblems({ host, port }: Config): Promise<Problem[]> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', (fault) => {
      resolve([listenProblem(fault, host, port) ?? { variable: variables.port.name, message: `${port} cannot be listened on` }])
    })
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve([])))
  })
}

export async function preflight(config: Config): Promise<Problem[]> {
  return (await Promise.all([portProblems(config), storageProblems(config)])).flat()
}
