/** Ports that were free a moment ago, for programs that cannot choose one themselves. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** All held at once, so that they differ; given back just before this resolves. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
