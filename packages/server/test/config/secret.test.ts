import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { secretProblem } from 'holdfast'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { newSecret, secretsOf } from '../../src/config/secret.ts'
import { temporaryFolder, testSecret } from '../harness.ts'

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await temporaryFolder()
  path = join(folder, 'secret')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const rounds = 20
/** Takes part in each round at the same instant as the other processes. */
const contender = `
  const { secretsOf } = await import(process.argv[1])
  const [, , folder, start] = process.argv
  for (let round = 0; round < ${rounds}; round += 1) {
    while (Date.now() < Number(start) + round * 10);
    console.log(secretsOf({ kind: 'development', path: folder + '/' + round })[0])
  }
`

describe('the development secret', () => {
  it('is made once, strong, for its owner only, and read from then on', () => {
    const [secret] = secretsOf({ kind: 'development', path })
    assert.equal(secretProblem(secret), undefined)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(secretsOf({ kind: 'development', path }), [secret])
    assert.deepEqual(readdirSync(folder), ['secret'])
  })

  it('may be several, newest first, after a rotation by hand', () => {
    const other = newSecret()
    writeFileSync(path, `${other}, ${testSecret}\n`)
    assert.deepEqual(secretsOf({ kind: 'development', path }), [other, testSecret])
  })

  it('is never made in place of one that is there but unfit', () => {
    writeFileSync(path, 'short')
    assert.throws(() => secretsOf({ kind: 'development', path }), /the secret must have at least 32 characters/)
    mkdirSync(join(folder, 'folder'))
    assert.throws(() => secretsOf({ kind: 'development', path: join(folder, 'folder') }))
  })

  it('is not made at all when one is given', () => {
    assert.deepEqual(secretsOf({ kind: 'given', secrets: [testSecret] }), [testSecret])
    assert.equal(existsSync(path), false)
  })

  it('is one for all processes that look for it at the same instant', async () => {
    const module = new URL('../../src/config/secret.ts', import.meta.url).href
    const start = String(Date.now() + 1500)
    const args = ['--conditions=@holdfast/source', '--input-type=module', '-e', contender, module, folder, start]
    const ended = await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, args)))
    const [first = [], ...others] = ended.map(({ stdout }) => stdout.trim().split('\n'))
    assert.equal(new Set(first).size, rounds)
    for (const secrets of others) assert.deepEqual(secrets, first)
    assert.equal(readdirSync(folder).length, rounds)
  })
})
