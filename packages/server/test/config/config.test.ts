import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { placeOf } from '../../src/config/backend.ts'
import { type Config, readConfig } from '../../src/config/config.ts'
import { envFile } from '../../src/config/env-file.ts'
import { variables } from '../../src/config/variables.ts'
import { temporaryFolder, testSecret } from '../harness.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function read(environment: Record<string, string>): Config {
  const result = readConfig(environment, folder)
  assert.equal(result.problems, undefined)
  assert.ok(result.config)
  return result.config
}

function problemsOf(environment: Record<string, string>): string[] {
  const { problems = [] } = readConfig(environment, folder)
  return problems.map(({ variable, message }) => `${variable}: ${message}`)
}

describe('configuration', () => {
  it('needs nothing: loopback, SQLite under data, a secret of its own', () => {
    const config = read({})
    assert.equal(config.host, '127.0.0.1')
    assert.equal(config.port, 8787)
    assert.equal(config.url, undefined)
    assert.deepEqual(config.store, { kind: 'sqlite', path: join(folder, 'data/holdfast.db') })
    assert.deepEqual(config.accounts, config.store)
    assert.deepEqual(config.secret, { kind: 'development', path: join(folder, 'data/secret') })
    assert.deepEqual(readdirSync(folder), [])
  })

  it('keeps accounts in a file of their own when sessions are in memory', () => {
    assert.deepEqual(read({ HOLDFAST_STORE: 'memory:' }).accounts, { kind: 'sqlite', path: join(folder, 'data/accounts.db') })
  })

  it('reads every variable', () => {
    const config = read({
      HOLDFAST_URL: 'https://auth.example.test',
      HOST: '0.0.0.0',
      PORT: '9000',
      HOLDFAST_SECRET: `${testSecret},${testSecret}x`,
      HOLDFAST_SETUP_TOKEN: 'a-token-of-16-ch',
      HOLDFAST_STORE: 'sqlite:a.db',
      HOLDFAST_ACCOUNTS: 'sqlite:/tmp/b.db',
      HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      HOLDFAST_ORIGINS: 'https://app.example.test, http://localhost:3000',
      HOLDFAST_LOG: 'json:debug',
      HOLDFAST_IMPORTED_KEYS: 'accept',
      HOLDFAST_SHADOW: 'ip-change:deny, fingerprint:revoke',
      NODE_ENV: 'production',
    })
    assert.equal(config.url?.origin, 'https://auth.example.test')
    assert.deepEqual(config.secret, { kind: 'given', secrets: [testSecret, `${testSecret}x`] })
    assert.deepEqual(config.trustedProxies, ['10.0.0.0/8', '::1'])
    assert.deepEqual(config.origins, ['https://app.example.test', 'http://localhost:3000'])
    assert.equal(config.importedKeys, true)
    assert.deepEqual(config.shadow, { ipChange: 'deny', fingerprint: 'revoke' })
    assert.deepEqual(config.log, { format: 'json', level: 'debug' })
    assert.deepEqual(config.store, { kind: 'sqlite', path: join(folder, 'a.db') })
    assert.deepEqual(config.accounts, { kind: 'sqlite', path: '/tmp/b.db' })
    assert.equal(config.production, true)
  })

  const addresses: readonly [given: string, expected: object, shown: string][] = [
    [
      'postgres://us%40er:p%3Ass@db.test:6000/sessions?sslmode=verify-full&sslrootcert=ca.pem&schema=hf&partitions=8',
      { host: 'db.test', port: 6000, username: 'us@er', password: 'p:ss', database: 'sessions', schema: 'hf', partitions: 8 },
      'postgres://db.test:6000/sessions',
    ],
    ['postgresql:///here?host=/run/postgresql', { host: '/run/postgresql', database: 'here' }, 'postgres:///run/postgresql/here'],
    [
      'postgres://pooler/x?pooler=true&listen=[::1]:5433',
      { pooler: true, listen: { host: '::1', port: 5433 } },
      'postgres://pooler:5432/x',
    ],
    [
      'rediss://:secret@[::1]/3?tls_verify=none',
      { topology: 'single', hosts: [{ host: '::1', port: 6379 }], password: 'secret', database: 3, tls: { verify: 'none' } },
      'rediss://[::1]:6379/3',
    ],
    [
      'redis+cluster://u:p@a:1,b:2?replicas=2&not_durable=refuse',
      {
        topology: 'cluster',
        username: 'u',
        replicas: 2,
        whenNotDurable: 'refuse',
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
      },
      'redis+cluster://a:1,b:2',
    ],
    [
      'rediss+sentinel://u:p@a,b:2/main/1?sentinel_password=s',
      { topology: 'sentinel', name: 'main', database: 1, sentinel: { username: undefined, password: 's' } },
      'rediss+sentinel://a:26379,b:2/main/1',
    ],
  ]
  it.each(addresses)('reads %s, and shows it without credentials', (given, expected, shown) => {
    const { store, accounts } = read({ HOLDFAST_STORE: given })
    const flat = (value: object) => JSON.parse(JSON.stringify(value))
    assert.deepEqual(flat({ ...store, ...expected }), flat(store))
    assert.equal(placeOf(store), shown)
    assert.equal(accounts.kind, store.kind === 'postgres' ? 'postgres' : 'sqlite')
  })

  it('takes the files of certificates from the working folder', () => {
    const { store } = read({ HOLDFAST_STORE: 'postgres://a?sslmode=require&sslrootcert=ca.pem' })
    assert.equal(store.kind === 'postgres' && store.tls?.ca, join(folder, 'ca.pem'))
  })

  it('treats an empty variable as not set', () => {
    assert.equal(read({ HOLDFAST_URL: '', PORT: '', HOLDFAST_APPS: '' }).port, 8787)
  })

  it('reads .env of the working folder, and lets the environment win over it', () => {
    writeFileSync(join(folder, '.env'), 'PORT=4000\nHOST=127.0.0.2\n')
    const config = read({ PORT: '5000' })
    assert.equal(config.port, 5000)
    assert.equal(config.host, '127.0.0.2')
  })

  it('says so when .env cannot be read', () => {
    mkdirSync(join(folder, '.env'))
    assert.match(problemsOf({}).join(), /^\.env: .*is a folder$/)
  })

  it('reads the secret from a file, once trimmed', () => {
    writeFileSync(join(folder, 'secret.txt'), `${testSecret}\n`)
    assert.deepEqual(read({ HOLDFAST_SECRET_FILE: 'secret.txt' }).secret, { kind: 'given', secrets: [testSecret] })
  })

  const refused: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['plain http on a public host', { HOLDFAST_URL: 'http://auth.example.test' }, /^HOLDFAST_URL: must use https/],
    ['a URL with a path', { HOLDFAST_URL: 'https://a.test/x' }, /^HOLDFAST_URL: must be an origin only/],
    ['a URL with credentials', { HOLDFAST_URL: 'https://u:p@a.test' }, /^HOLDFAST_URL: must be an origin only/],
    ['a URL that is none', { HOLDFAST_URL: 'auth.example.test' }, /^HOLDFAST_URL: must be an origin/],
    ['another scheme', { HOLDFAST_URL: 'ftp://a.test' }, /^HOLDFAST_URL: must be an origin/],
    ['https without a trusted proxy', { HOLDFAST_URL: 'https://a.test' }, /^HOLDFAST_TRUSTED_PROXIES: must name the proxy/],
    [
      'a proxy elsewhere for a server that only this machine reaches',
      { HOLDFAST_URL: 'https://a.test', HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/8,2001:db8::1' },
      /^HOLDFAST_TRUSTED_PROXIES: must name 127\.0\.0\.1 or ::1 when HOST is loopback/,
    ],
    ['a public address without a URL', { HOST: '0.0.0.0' }, /^HOLDFAST_URL: must be a public https origin when HOST/],
    [
      'a public address with a loopback URL',
      { HOST: '::', HOLDFAST_URL: 'http://localhost:8787' },
      /^HOLDFAST_URL: must be a public/,
    ],
    ['a host with a port', { HOST: '127.0.0.1:80' }, /^HOST: /],
    ['a port out of range', { PORT: '65536' }, /^PORT: must be a whole number from 0 to 65535$/],
    ['a negative port', { PORT: '-1' }, /^PORT: /],
    ['a port that is no number', { PORT: '80a' }, /^PORT: /],
    ['a short secret', { HOLDFAST_SECRET: 'abc' }, /^HOLDFAST_SECRET: must have at least 32 characters; it has 3$/],
    [
      'a placeholder',
      { HOLDFAST_SECRET: 'change-me-change-me-change-me-change-me' },
      /^HOLDFAST_SECRET: looks like a placeholder/,
    ],
    ['a short second secret', { HOLDFAST_SECRET: `${testSecret},x` }, /^HOLDFAST_SECRET: entry 2 must have at least/],
    ['the same secret twice', { HOLDFAST_SECRET: `${testSecret},${testSecret}` }, /lists the same secret twice/],
    [
      'both kinds of secret',
      { HOLDFAST_SECRET: testSecret, HOLDFAST_SECRET_FILE: 'x' },
      /^HOLDFAST_SECRET_FILE: must not be set beside/,
    ],
    ['a secret file that is not there', { HOLDFAST_SECRET_FILE: 'none' }, /^HOLDFAST_SECRET_FILE: .*does not exist$/],
    ['no secret in production', { NODE_ENV: 'production' }, /^HOLDFAST_SECRET: is required when NODE_ENV is production/],
    [
      'memory in production',
      { NODE_ENV: 'production', HOLDFAST_SECRET: testSecret, HOLDFAST_STORE: 'memory:' },
      /^HOLDFAST_STORE: must not be memory/,
    ],
    ['a short set-up token', { HOLDFAST_SETUP_TOKEN: 'short' }, /^HOLDFAST_SETUP_TOKEN: must be 16 to 128/],
    ['accounts in memory', { HOLDFAST_ACCOUNTS: 'memory:' }, /^HOLDFAST_ACCOUNTS: must be sqlite:PATH or begin with postgres/],
    ['accounts in Redis', { HOLDFAST_ACCOUNTS: 'redis://a' }, /^HOLDFAST_ACCOUNTS: must be sqlite:PATH or begin with postgres/],
    ['an unknown store', { HOLDFAST_STORE: 'mysql://x' }, /^HOLDFAST_STORE: must be sqlite:PATH, memory:, or begin with/],
    ['SQLite without a path', { HOLDFAST_STORE: 'sqlite:' }, /^HOLDFAST_STORE: must be sqlite:PATH$/],
    ['SQLite in memory', { HOLDFAST_STORE: 'sqlite::memory:' }, /^HOLDFAST_STORE: must be sqlite:PATH$/],
    ['memory with a path', { HOLDFAST_STORE: 'memory:x' }, /^HOLDFAST_STORE: must be memory: alone$/],
    ['a port out of range in an address', { HOLDFAST_STORE: 'redis://a:70000' }, /^HOLDFAST_STORE: must have a host with a port/],
    ['a host that is none', { HOLDFAST_STORE: 'redis+cluster://a:1,b c:2' }, /^HOLDFAST_STORE: host 2 is not host:port/],
    ['a password that is not encoded', { HOLDFAST_STORE: 'redis://:a@b@c' }, /must be percent-encoded$/],
    ['two PostgreSQL hosts', { HOLDFAST_STORE: 'postgres://a,b/c' }, /^HOLDFAST_STORE: must name one host/],
    ['two Redis hosts without a Cluster', { HOLDFAST_STORE: 'redis://a,b' }, /^HOLDFAST_STORE: must name one host/],
    ['a database of a Cluster', { HOLDFAST_STORE: 'redis+cluster://a/1' }, /^HOLDFAST_STORE: must have no path/],
    ['sentinels without a name', { HOLDFAST_STORE: 'redis+sentinel://a' }, /^HOLDFAST_STORE: must have as its path the name/],
    [
      'an unknown parameter',
      { HOLDFAST_STORE: 'redis://a?ttl=5' },
      /^HOLDFAST_STORE: has an unknown parameter; known are tls_ca/,
    ],
    ['TLS that may not be', { HOLDFAST_STORE: 'postgres://a?sslmode=prefer' }, /^HOLDFAST_STORE: sslmode must be one of disable/],
    [
      'certificates without TLS',
      { HOLDFAST_STORE: 'redis://a?tls_ca=x' },
      /^HOLDFAST_STORE: names certificates, but is not encr/,
    ],
    [
      'a certificate without its key',
      { HOLDFAST_STORE: 'rediss://a?tls_cert=x' },
      /^HOLDFAST_STORE: needs the client’s certificate/,
    ],
    [
      'a proxy list of everyone',
      { HOLDFAST_TRUSTED_PROXIES: '0.0.0.0/0' },
      /^HOLDFAST_TRUSTED_PROXIES: entry 1 trusts every address$/,
    ],
    ['everyone spelt otherwise', { HOLDFAST_TRUSTED_PROXIES: '::1,::/00' }, /entry 2 trusts every address$/],
    ['everyone within IPv6', { HOLDFAST_TRUSTED_PROXIES: '::ffff:0:0/96' }, /entry 1 trusts every address$/],
    ['a prefix too long', { HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/33' }, /entry 1 has a prefix outside 0 to 32$/],
    ['a host name as a proxy', { HOLDFAST_TRUSTED_PROXIES: 'proxy.test' }, /entry 1 must be an address/],
    ['an origin with a path', { HOLDFAST_ORIGINS: 'https://a.test/x' }, /^HOLDFAST_ORIGINS: entry 1 must be an origin only/],
    ['an empty entry', { HOLDFAST_ORIGINS: 'https://a.test,' }, /^HOLDFAST_ORIGINS: entry 2 is empty$/],
    ['an unknown log level', { HOLDFAST_LOG: 'json:loud' }, /^HOLDFAST_LOG: must be pretty or json/],
    ['a drain without end', { HOLDFAST_DRAIN: '301' }, /^HOLDFAST_DRAIN: must be a whole number of seconds from 0 to 300$/],
    ['a drain with a unit', { HOLDFAST_DRAIN: '10s' }, /^HOLDFAST_DRAIN: /],
    ['imported keys by another word', { HOLDFAST_IMPORTED_KEYS: 'true' }, /^HOLDFAST_IMPORTED_KEYS: must be accept or refuse$/],
    [
      'a trial of another change',
      { HOLDFAST_SHADOW: 'ip-change:deny,ipChange:deny' },
      /^HOLDFAST_SHADOW: entry 2 must be one of/,
    ],
    [
      'a trial twice',
      { HOLDFAST_SHADOW: 'ip-change:deny,ip-change:revoke' },
      /^HOLDFAST_SHADOW: names one change of a client twice$/,
    ],
    ['a trial of two policies', { HOLDFAST_SHADOW: 'ip-change:deny:revoke' }, /^HOLDFAST_SHADOW: entry 1 must be one of/],
    ['log words too many', { HOLDFAST_LOG: 'debug:json' }, /^HOLDFAST_LOG: /],
    ['forward-auth', { HOLDFAST_FORWARD_AUTH: '127.0.0.1:8788' }, /^HOLDFAST_FORWARD_AUTH: is not supported by this version/],
    ['a misspelt setting', { HOLDFAST_STORRE: 'memory:' }, /^HOLDFAST_STORRE: is no setting: did you mean HOLDFAST_STORE\?$/],
    ['one in the singular', { HOLDFAST_TRUSTED_PROXY: '::1' }, /did you mean HOLDFAST_TRUSTED_PROXIES\?$/],
    ['apps', { HOLDFAST_APPS: 'https://a.test' }, /^HOLDFAST_APPS: is not supported by this version/],
  ]
  it.each(refused)('refuses %s', (_name, environment, expected) => {
    const found = problemsOf(environment)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', expected)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('leaves what Kubernetes injects for a service called holdfast alone', () => {
    const injected = ['HOLDFAST_SERVICE_HOST', 'HOLDFAST_SERVICE_PORT', 'HOLDFAST_PORT', 'HOLDFAST_PORT_8787_TCP_ADDR']
    assert.deepEqual(problemsOf(Object.fromEntries(injected.map((name) => [name, 'tcp://10.0.0.1:8787']))), [])
  })

  it('takes no unknown setting from .env, where nobody else writes', () => {
    writeFileSync(join(folder, '.env'), 'HOLDFAST_PORT=9000\nPOSTGRES_PORT=1\n')
    assert.match(problemsOf({}).join(), /^HOLDFAST_PORT: is no setting: see `holdfast-server init`/)
  })

  it('lists every problem at once', () => {
    const found = problemsOf({ PORT: 'x', HOST: '0.0.0.0', HOLDFAST_SECRET: 'short', HOLDFAST_LOG: 'x', HOLDFAST_APPS: 'x' })
    assert.deepEqual(found.map((line) => line.split(':', 1)[0]).sort(), [
      'HOLDFAST_APPS',
      'HOLDFAST_LOG',
      'HOLDFAST_SECRET',
      'HOLDFAST_URL',
      'PORT',
    ])
  })

  it('never repeats a secret in a problem', () => {
    const secret = 'my-secret-hunter2-tail'
    assert.doesNotMatch(problemsOf({ HOLDFAST_SECRET: secret, HOLDFAST_SETUP_TOKEN: 'hunter2' }).join(), /hunter2/)
    for (const address of ['redis://:hunter2@b@c', 'redis://:hun/hunter2@c', 'redis://:x?hunter2@c', 'redis://:%hunter2@c']) {
      assert.doesNotMatch(problemsOf({ HOLDFAST_STORE: address }).join(), /hunter2/)
      assert.equal(problemsOf({ HOLDFAST_STORE: address }).length, 1)
    }
  })
})

describe('the written .env', () => {
  it('is the repository’s .env.example when nothing is given', () => {
    assert.equal(readFileSync(new URL('../../../../.env.example', import.meta.url), 'utf8'), envFile())
  })

  it('sets nothing but what it is given, and names every variable', () => {
    writeFileSync(join(folder, '.env'), envFile({ secret: testSecret }))
    assert.deepEqual(read({}).secret, { kind: 'given', secrets: [testSecret] })
    for (const { name } of Object.values(variables)) assert.match(envFile(), new RegExp(`^# ${name}=`, 'm'))
  })
})
