import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { parseForm } from '../../src/http/form.ts'
import { routes } from '../../src/routes/index.ts'
import { isOauth } from '../../src/routes/route.ts'
import { assertProblem } from '../client.ts'
import { testServer } from '../harness.ts'
import { assertOauthError, postForm } from '../routes/oauth.ts'

const paths = routes.filter(({ access }) => isOauth(access)).map(({ path }) => path)

describe('a form', () => {
  it('is read as URLSearchParams writes it', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed())
    const fields = fc.dictionary(value, value, { noNullPrototype: false })
    fc.assert(
      fc.property(fields, (given) => {
        assert.deepEqual({ ...parseForm(new URLSearchParams(given).toString()) }, { ...given })
      }),
    )
  })

  it('leaves out what has no value, and has no prototype to be taken for a parameter', () => {
    assert.deepEqual({ ...parseForm('a=&b&c=1&&=x') }, { c: '1' })
    const form = parseForm('__proto__=x&constructor=y')
    assert.deepEqual(Object.keys(form), ['__proto__', 'constructor'])
    assert.equal(form.toString, undefined)
  })

  it('is refused with a parameter given twice, with a value or without', () => {
    for (const text of ['a=1&a=1', 'a=1&%61=2', 'a&a', 'a=&b=1&a=2'])
      assert.throws(() => parseForm(text), { code: 'invalid-request' })
  })
})

describe.each(paths)('%s', (path) => {
  it('refuses a body that is no form in UTF-8, with a parameter twice, or without what it needs', async () => {
    await using server = await testServer()
    const bodies = [
      'token=%',
      'token=%zz',
      'token=%ff',
      'token=%c0%af',
      'token=é',
      'token=a b',
      'token=a&token=a',
      'grant_type=a&grant_type=a',
    ]
    for (const body of [...bodies, '', `token=${'x'.repeat(8193)}&grant_type=${'x'.repeat(257)}`]) {
      const answer = await postForm(server, path, body)
      // Who calls is looked at before what is asked, but after the form is read.
      if (answer.status === 401) assertOauthError(answer, 401, 'invalid_client')
      else assertOauthError(answer, 400, 'invalid_request')
      if (bodies.includes(body)) assert.equal(answer.status, 400, body)
    }
  })

  it('takes forms only, and no more than 16 KiB', async () => {
    await using server = await testServer()
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', '*/*']) {
      assertOauthError(await postForm(server, path, '{"token":"x"}', { 'content-type': type }), 415, 'invalid_request')
    }
    assertOauthError(await postForm(server, path, `token=${'x'.repeat(16_384)}`), 413, 'invalid_request')
    assertOauthError(await postForm(server, path, `token=${'x'.repeat(200_000)}`), 413, 'invalid_request')
    const charset = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
    assert.notEqual((await postForm(server, path, 'token=x', charset)).status, 415)
  })

  it('is for POST, over TLS where it is not loopback, and not for pages of other sites that bring a cookie', async () => {
    await using server = await testServer({
      config: { url: new URL('https://auth.example.test'), trustedProxies: ['127.0.0.1'] },
    })
    assertProblem(await server.client().get(path), 405, 'method-not-allowed')
    const plain = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'http' }
    assertOauthError(await postForm(server, path, 'token=x', plain), 403, 'invalid_request')
    const { token } = await server.services.holdfast.issue({ subject: 'nobody' })
    const page = { 'x-forwarded-proto': 'https', cookie: `__Host-Http-session=${token}`, origin: 'https://evil.example' }
    assertProblem(await postForm(server, path, 'token=x', page), 403, 'csrf-failed')
  })
})
