/** Stores behind TLS, with a certificate made for the test. */
import assert from 'node:assert/strict'
import { chmod, rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Certificate, makeCertificate } from '../../../../test/services/certificate.ts'
import { freePorts } from '../../../../test/services/ports.ts'
import { type PostgresServer, startPostgres } from '../../../../test/services/postgres.ts'
import { type RedisServer, startRedis } from '../../../../test/services/redis.ts'
import { temporaryFolder } from '../harness.ts'
import { defaults, run, serverProcess } from '../process.ts'

let folder = ''
let certificate: Certificate
let database: PostgresServer
let redis: RedisServer
let redisPort = 0
beforeAll(async () => {
  folder = await temporaryFolder()
  await chmod(folder, 0o755)
  certificate = await makeCertificate(folder)
  const { cert, key } = certificate
  database = await startPostgres({ ssl: 'on', ssl_cert_file: cert, ssl_key_file: key })
  redisPort = (await freePorts(1))[0] ?? 0
  const tls = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no']
  redis = await startRedis({ args: ['--tls-port', String(redisPort), ...tls] })
})
afterAll(async () => {
  await database.close()
  await redis.stop()
  await rm(folder, { recursive: true, force: true })
})

function postgres(parameters: string): string {
  const { user, password, port } = database.connection
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres?${parameters}`
}
const secured = () => `rediss://127.0.0.1:${redisPort}`

describe('stores behind TLS', () => {
  it('are used when the certificate is trusted, and doctor says so', async () => {
    const environment = {
      ...defaults,
      HOLDFAST_STORE: `${secured()}?tls_ca=${certificate.cert}`,
      HOLDFAST_ACCOUNTS: postgres(`sslmode=verify-full&sslrootcert=${certificate.cert}`),
    }
    await using server = await serverProcess(folder, environment)
    assert.equal((await server.client().get('/readyz')).status, 200)
    const both = { ...environment, HOLDFAST_STORE: environment.HOLDFAST_ACCOUNTS }
    for (const each of [environment, both]) {
      const { stdout } = await run(folder, ['doctor'], each)
      assert.match(stdout, /sessions: encryption +ok +TLS/)
    }
  })

  it.each([
    ['an untrusted certificate', () => secured(), /no server answers|TLS does not match/],
    ['TLS where the server speaks none', () => redis.url.replace('redis:', 'rediss:'), /redis:\/\/ or rediss:\/\//],
    ['plain text where the server speaks TLS', () => `redis://127.0.0.1:${redisPort}`, /redis:\/\/ or rediss:\/\//],
    [
      'an untrusted certificate of PostgreSQL',
      () => postgres('sslmode=require'),
      /the certificate of the server.* is not accepted/,
    ],
    ['a certificate that is no file', () => postgres(`sslmode=require&sslrootcert=none.pem`), /none\.pem does not exist/],
  ])('are refused at the start: %s', async (_name, store, expected) => {
    const { code, stderr } = await run(folder, [], { ...defaults, HOLDFAST_STORE: store() })
    assert.equal(code, 1)
    assert.match(stderr, expected)
    assert.doesNotMatch(stderr, /\n\s+at |password for tests/)
  })
})
