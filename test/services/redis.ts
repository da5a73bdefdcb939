/** Redis servers for tests: one, a cluster, or a set under Sentinel; own processes on free ports in temporary folders. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { endWithUs } from './orphans.ts'
import { freePorts } from './ports.ts'

const run = promisify(execFile)
const patience = 20_000

export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Where other servers of a cluster reach it; 0 for one under Sentinel. */
  readonly busPort: number
  /** Runs one command and resolves to what `redis-cli` prints. */
  cli(...args: string[]): Promise<string>
  /** Ends the process at once, as a crash would. */
  kill(): Promise<void>
  /** Halts the process without ending it: connections stay open and nothing answers. */
  freeze(): void
  thaw(): void
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** More settings, as on the command line: `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[]
  readonly password?: string
}

export async function startRedis({ args = [], password }: RedisServerOptions = {}): Promise<RedisServer> {
  const [port = 0, busPort = 0] = await freePorts(2)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'))
  const secret = password === undefined ? [] : ['--requirepass', password]
  const plain = ['--save', '', '--appendonly', 'no', '--cluster-port', String(busPort)]
  return launch({ port, busPort }, folder, [...plain, ...secret, ...args], password)
}

interface Ports {
  readonly port: number
  readonly busPort: number
}

async function launch(
  { port, busPort }: Ports,
  folder: string,
  args: readonly string[],
  password?: string,
): Promise<RedisServer> {
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--enable-debug-command', 'yes']
  const start = (): Promise<ChildProcess> => startProcess([...own, ...args])
  let child = await start()
  const authorisation = password === undefined ? [] : ['-a', password, '--no-auth-warning']
  return {
    port,
    busPort,
    url: `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
    cli: (...command) => cli(port, [...authorisation, ...command]),
    kill: () => end(child, 'SIGKILL'),
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async restart() {
      await end(child, 'SIGKILL')
      child = await start()
    },
    async stop() {
      await end(child, 'SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function cli(port: number, args: readonly string[]): Promise<string> {
  const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...args])
  return stdout.trim()
}

/** Resolves when the server takes connections; rejects with what it printed when it ends before. */
async function startProcess(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithUs(child)
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', () => reject(new Error(`redis-server ended at once:\n${printed}`)))
    child.stdout?.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-4000)
      if (/Ready to accept connections|Sentinel ID is|monitor master/.test(printed)) resolve()
    })
  })
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}

/** Polls until `done`; rejects with `what` when it takes too long. */
export async function eventually(what: string, done: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < patience; waited += 20) {
    if (await done().catch(() => false)) return
    await pause(20)
  }
  throw new Error(`never happened: ${what}`)
}

export interface RedisClusterSet {
  /** Three primaries, then a replica of each. */
  readonly servers: readonly RedisServer[]
  readonly rootNodes: readonly { readonly url: string }[]
  stop(): Promise<void>
}

const slots = 16_384

/** Three primaries and three replicas, which take over within about a second. */
export async function startRedisCluster(args: readonly string[] = []): Promise<RedisClusterSet> {
  const ports = await freePorts(12)
  const servers = await Promise.all(
    Array.from({ length: 6 }, async (_, at) => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'))
      const bus = ['--cluster-port', String(ports[at + 6])]
      const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-announce-ip', '127.0.0.1', ...bus]
      const fast = [
        '--repl-diskless-sync-delay',
        '0',
        '--repl-ping-replica-period',
        '1',
        '--cluster-replica-validity-factor',
        '0',
      ]
      const own = { port: ports[at] ?? 0, busPort: ports[at + 6] ?? 0 }
      return launch(own, folder, ['--save', '', '--appendonly', 'no', ...cluster, ...fast, ...args])
    }),
  )
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()))
  }
  try {
    await join6(servers)
  } catch (fault) {
    await stop()
    throw fault
  }
  return { servers, rootNodes: servers.slice(0, 3).map(({ url }) => ({ url })), stop }
}

async function join6(servers: readonly RedisServer[]): Promise<void> {
  const [first] = servers
  if (first === undefined) return
  const share = Math.ceil(slots / 3)
  for (const [at, server] of servers.entries()) {
    await server.cli('cluster', 'set-config-epoch', String(at + 1))
    if (at > 0) await first.cli('cluster', 'meet', '127.0.0.1', String(server.port), String(server.busPort))
    if (at < 3) await server.cli('cluster', 'addslotsrange', String(at * share), String(Math.min((at + 1) * share, slots) - 1))
  }
  const ids = await Promise.all(servers.slice(0, 3).map((server) => server.cli('cluster', 'myid')))
  for (const [at, server] of servers.slice(3).entries()) {
    const id = ids[at] ?? ''
    await eventually('a replica has heard of its primary', async () => (await server.cli('cluster', 'nodes')).includes(id))
    await server.cli('cluster', 'replicate', id)
  }
  await eventually('the cluster is whole', async () => {
    const states = await Promise.all(servers.map((server) => server.cli('cluster', 'info')))
    const links = await Promise.all(servers.slice(3).map((server) => server.cli('info', 'replication')))
    return (
      states.every((info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:6')) &&
      links.every((info) => info.includes('master_link_status:up'))
    )
  })
}

export interface RedisSentinelSet {
  readonly name: string
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  /** Runs one command at the first sentinel. */
  sentinelCli(...args: string[]): Promise<string>
  /** The primary at the start, then its two replicas. */
  readonly servers: readonly RedisServer[]
  stop(): Promise<void>
}

/** One primary, two replicas and three sentinels, which fail over within about two seconds. */
export async function startRedisSentinel(): Promise<RedisSentinelSet> {
  const name = 'sessions'
  const [primaryPort = 0, ...others] = await freePorts(6)
  const quiet = ['--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']
  const folderFor = (): Promise<string> => mkdtemp(join(tmpdir(), 'holdfast-redis-'))
  const busPort = 0
  const primary = await launch({ port: primaryPort, busPort }, await folderFor(), quiet)
  const replicas = await Promise.all(
    others
      .slice(0, 2)
      .map(async (port) => launch({ port, busPort }, await folderFor(), [...quiet, '--replicaof', `127.0.0.1 ${primaryPort}`])),
  )
  const sentinels = await Promise.all(
    others.slice(2).map(async (port) => {
      const folder = await folderFor()
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 2`,
        `sentinel down-after-milliseconds ${name} 500`,
        `sentinel failover-timeout ${name} 3000`,
      ]
      await writeFile(join(folder, 'sentinel.conf'), `${lines.join('\n')}\n`)
      return { port, folder, child: await startProcess([join(folder, 'sentinel.conf'), '--sentinel']) }
    }),
  )
  const servers = [primary, ...replicas]
  const stop = async (): Promise<void> => {
    await Promise.all(sentinels.map(({ child }) => end(child, 'SIGKILL')))
    await Promise.all([
      ...servers.map((server) => server.stop()),
      ...sentinels.map(({ folder }) => rm(folder, { recursive: true, force: true })),
    ])
  }
  await eventually('the sentinels know each other and the replicas', async () => {
    const infos = await Promise.all(sentinels.map(({ port }) => cli(port, ['info', 'sentinel'])))
    return infos.every((info) => /status=ok.*slaves=2,sentinels=3/.test(info))
  })
  const addresses = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
  const sentinelCli = (...args: string[]) => cli(sentinels[0]?.port ?? 0, args)
  return { name, sentinels: addresses, sentinelCli, servers, stop }
}
