/** Stores at which the server refuses to start: one clear message, exit code 1, nothing made. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { startPostgres } from '../../../../test/services/postgres.ts'
import { startRedis } from '../../../../test/services/redis.ts'
import { startTcpProxy } from '../../../../test/services/tcp-proxy.ts'
import { temporaryFolder } from '../harness.ts'
import { defaults, run } from '../process.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function expectRefusal(store: string, message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await run(folder, [], { ...defaults, HOLDFAST_STORE: store })
  assert.equal(code, 1)
  const lines = stderr.trim().split('\n')
  assert.equal(lines[0], 'holdfast-server cannot start:')
  // One line each, for sessions and, where they are elsewhere or have a problem of their own, for accounts.
  assert.ok(lines.length <= 3, stderr)
  assert.match(lines[1] ?? '', message)
  assert.doesNotMatch(stderr + stdout, /hunter2|\n\s+at /)
  assert.equal(existsSync(join(folder, 'data')), false)
}

/** Takes connections, and answers with `answer` or not at all. */
async function listener(answer?: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (answer !== undefined) socket.on('data', () => socket.write(answer))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

describe('a host that takes connections and says nothing', () => {
  it.each([
    ['redis://:hunter2@HOST', /HOLDFAST_STORE: redis:\/\/\S+: no server answers .*timeout/],
    ['redis+cluster://:hunter2@HOST', /HOLDFAST_STORE: redis\+cluster:\/\/\S+: no server answers .*timeout/],
    ['redis+sentinel://:hunter2@HOST/set', /HOLDFAST_STORE: redis\+sentinel:\/\/\S+: no server answers .*timeout/],
    ['postgres://u:hunter2@HOST/sessions', /HOLDFAST_STORE: postgres:\/\/\S+: Connection terminated due to connection timeout/],
  ])('is given up: %s', async (url, message) => {
    const server = await listener()
    try {
      await expectRefusal(url.replace('HOST', `127.0.0.1:${portOf(server)}`), message)
    } finally {
      server.close()
    }
  })
})

describe('a server that is not what it should be', () => {
  it('because it is no Redis', async () => {
    const server = await listener('HTTP/1.1 400 Bad Request\r\n\r\n')
    try {
      await expectRefusal(`redis://127.0.0.1:${portOf(server)}`, /what answers there is not Redis/)
    } finally {
      server.close()
    }
  })

  it('because it is a Redis that knows no HELLO', async () => {
    const server = await listener("-ERR unknown command 'HELLO'\r\n")
    try {
      await expectRefusal(`redis://127.0.0.1:${portOf(server)}`, /the server is too old: 6\.2 or newer is needed/)
    } finally {
      server.close()
    }
  })

  it('because it is a Redis of an old version', async () => {
    const redis = await startRedis()
    const proxy = await startTcpProxy(redis)
    proxy.rewrite((text) =>
      text.replace(/(redis_version:)([\d.]+)/, (_, name, version) => name + '6.0'.padEnd(version.length, '0')),
    )
    try {
      await expectRefusal(`redis://127.0.0.1:${proxy.port}`, /primary is version 6\.0\d*: 6\.2 or newer is needed/)
    } finally {
      await proxy.stop()
      await redis.stop()
    }
  })

  it('because it lets nobody in with this password, or with none', async () => {
    const { port, stop } = await startRedis({ password: 'right' })
    const at = `127.0.0.1:${port}`
    const urls = [
      `redis://:hunter2@${at}`,
      `redis://${at}`,
      `redis+cluster://:hunter2@${at}`,
      `redis+sentinel://:hunter2@${at}/set`,
    ]
    try {
      for (const url of urls) await expectRefusal(url, /the user name or password is wrong or missing/)
    } finally {
      await stop()
    }
  })

  it('because it is a replica', async () => {
    const redis = await startRedis({ args: ['--replicaof', '127.0.0.1 1'] })
    try {
      await expectRefusal(redis.url, /primary is a replica/)
    } finally {
      await redis.stop()
    }
  })

  it('because its cluster lacks a range of slots', async () => {
    const redis = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no'] })
    try {
      await redis.cli('cluster', 'addslotsrange', '0', '8191', '8292', '16383')
      await expectRefusal(`redis+cluster://127.0.0.1:${redis.port}`, /the cluster serves 16284 of 16384 slots/)
    } finally {
      await redis.stop()
    }
  })

  it('because it is a PostgreSQL of an old version', async () => {
    const database = await startPostgres()
    const proxy = await startTcpProxy(database)
    proxy.rewrite((text) => text.replace(/\b1[5-9](\d{4})\b/, '14$1'))
    const { user, password } = database.connection
    try {
      const url = `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}/postgres`
      await expectRefusal(url, /PostgreSQL .* is too old: 15 or newer is needed/)
    } finally {
      await proxy.stop()
      await database.close()
    }
  })
})
