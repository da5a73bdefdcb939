/** A server process. Arguments: file of `servers/`, its export, folder for databases. Says the port it listens on. */
import type { AddressInfo } from 'node:net'
import { answer, tell } from '../shared/child.ts'
import type { StartServer } from './servers/server.ts'

const [file = '', name = '', folder = ''] = process.argv.slice(2)
const servers = (await import(`./servers/${file}.ts`)) as Readonly<Record<string, StartServer>>
const start = servers[name]
if (start === undefined) throw new Error(`there is no ${name} in servers/${file}.ts`)
const server = await start(folder)
answer({ cpu: () => process.cpuUsage() })
tell((server.address() as AddressInfo).port)
