/** What `doctor` says of Redis servers. */
import type { RedisNodeReport, RedisReport } from 'holdfast/store/redis'
import type { RedisBackend } from '../config/backend.ts'
import { isLoopback } from '../config/parse.ts'
import { checkSkew, type Finding, ok, warning } from '../doctor/finding.ts'

interface NodeCheck {
  readonly check: string
  readonly judge: (node: RedisNodeReport, backend: RedisBackend) => Omit<Finding, 'check'>
}

const good = (detail: string): Omit<Finding, 'check'> => ({ status: 'ok', detail })
const worth = (detail: string): Omit<Finding, 'check'> => ({ status: 'warning', detail })

const megabyte = 1_048_576

/** Of each primary. */
const nodeChecks: readonly NodeCheck[] = [
  {
    check: 'eviction',
    judge({ evictionPolicy: policy }, { allowsEviction }) {
      if (policy === 'noeviction') return good(policy)
      const detail = `maxmemory-policy is ${policy}: sessions and revocations are dropped when memory is full; set noeviction`
      return { status: allowsEviction ? 'warning' : 'failed', detail }
    },
  },
  {
    check: 'persistence',
    judge: ({ appendOnly, lastSnapshotOk }) => {
      if (!lastSnapshotOk) return { status: 'failed', detail: 'the last snapshot could not be written' }
      return appendOnly ? good('append-only file') : worth('appendonly is off: a restart loses what came after the last snapshot')
    },
  },
  {
    check: 'replicas',
    judge: ({ replicas }, { replicas: wanted }) => {
      if (replicas >= wanted) return good(`${replicas} attached, a revocation waits for ${wanted}`)
      return worth(`${replicas} attached, ${wanted} needed: a revocation does not survive the loss of this server`)
    },
  },
  {
    check: 'memory',
    judge({ usedMemory, maxMemory }) {
      const used = Math.ceil(usedMemory / megabyte)
      if (maxMemory === 0) return worth(`${used} MiB in use, no limit: set maxmemory below what the machine has`)
      const detail = `${used} of ${Math.floor(maxMemory / megabyte)} MiB in use`
      return usedMemory > maxMemory * 0.9 ? worth(`${detail}: nearly full`) : good(detail)
    },
  },
]

function checkEncryption({ tls, hosts }: RedisBackend): Finding {
  const check = 'sessions: encryption'
  if (tls !== undefined)
    return tls.verify === 'none' ? warning(check, 'TLS that checks nobody: tls_verify is none') : ok(check, 'TLS')
  if (hosts.every(({ host }) => isLoopback(host))) return ok(check, 'none needed on this machine')
  return warning(check, 'the connection is in the clear, the password with it: use rediss')
}

const modes = { single: 'one server', sentinel: 'under Sentinel', cluster: 'Cluster' } as const

export function redisFindings(backend: RedisBackend, { mode, nodes, slotsServed }: RedisReport): readonly Finding[] {
  const versions = [...new Set(nodes.map(({ product, version }) => `${product === 'valkey' ? 'Valkey' : 'Redis'} ${version}`))]
  const slots = slotsServed === null ? '' : `, ${nodes.length} primaries, ${slotsServed} slots served`
  const named = (name: string, check: string) => (mode === 'cluster' ? `sessions: ${check} ${name}` : `sessions: ${check}`)
  return [
    ok('sessions: server', `${versions.join(', ')}, ${modes[mode]}${slots}`),
    ...nodes.flatMap((node) =>
      nodeChecks.map(({ check, judge }) => ({ check: named(node.name, check), ...judge(node, backend) })),
    ),
    checkEncryption(backend),
    ...nodes.flatMap(({ clockOffset }) => (clockOffset === undefined ? [] : [checkSkew(clockOffset)])),
  ]
}
