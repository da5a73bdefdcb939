/** Our tokens under stock libraries, theirs under our check, and the vectors of the RFCs. */
import { createPublicKey } from 'node:crypto'
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { describe, expect, it } from 'vitest'
import { importKey, RandomPool, type SigningAlgorithm, secretKey, signatureOf } from '../../../src/engine/crypto.ts'
import { createAccessTokens } from '../../../src/engine/jwt/access-tokens.ts'
import { thumbprint } from '../../../src/engine/jwt/keys.ts'
import { createKeyring } from '../../../src/engine/keyring.ts'
import { seededRandom } from '../../../src/testing/index.ts'
import { record } from '../support/records.ts'
import { secret } from '../support/start.ts'
import { audience, ed25519, goodClaims, hmacSecret, issuer, keyOptions, now, p256, reader, settingsOf } from './forge.ts'

const granted = {
  ...record({ binding: { fingerprint: null, jkt: 'thumbprint', deviceKey: null }, authTime: now * 1000, amr: ['pwd'], acr: '2' }),
  grant: { salt: 's'.repeat(43), format: 'jwt' as const, audience, clientId: 'cli' },
}

/** A token of ours, signed with the key of that algorithm. */
function ours(algorithm: SigningAlgorithm) {
  const keys = [...keyOptions].sort((a) => (a.algorithm === algorithm ? -1 : 1))
  const tokens = createAccessTokens(settingsOf({ keys }), createKeyring([secret]), new RandomPool(seededRandom(1)))
  return { token: tokens.sign(granted, { expiresAt: (now + 900) * 1000, now: now * 1000 }), jwks: tokens.jwks }
}

const asked = { issuer, audience, typ: 'at+jwt', currentDate: new Date(now * 1000) }

describe('a token of ours', () => {
  it.each(['EdDSA', 'ES256'] as const)('signed with %s is verified by jose from our key set', async (algorithm) => {
    const { token, jwks } = ours(algorithm)
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...jwks.keys] }), {
      ...asked,
      algorithms: [algorithm],
    })
    expect(protectedHeader).toEqual({ alg: algorithm, typ: 'at+jwt', kid: algorithm === 'EdDSA' ? 'ed' : 'es' })
    expect(payload).toEqual({
      iss: issuer,
      sub: 'alice',
      aud: audience,
      sid: granted.id,
      jti: expect.stringMatching(/^[\w-]{34}$/),
      iat: now,
      exp: now + 900,
      client_id: 'cli',
      auth_time: now,
      amr: ['pwd'],
      acr: '2',
      cnf: { jkt: 'thumbprint' },
    })
  })

  it('signed with HS256 is verified by jose and by jsonwebtoken with the shared secret', async () => {
    const { token } = ours('HS256')
    expect((await jwtVerify(token, Buffer.from(hmacSecret), { ...asked, algorithms: ['HS256'] })).payload.sub).toBe('alice')
    const claims = jsonwebtoken.verify(token, hmacSecret, { algorithms: ['HS256'], issuer, audience, clockTimestamp: now })
    expect(claims).toMatchObject({ sub: 'alice', sid: granted.id })
  })

  it('signed with ES256 is verified by jsonwebtoken with the published key', () => {
    const { token, jwks } = ours('ES256')
    const [, jwk] = [...jwks.keys].sort((a) => (a.kid === 'es' ? 1 : -1))
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    expect(jsonwebtoken.verify(token, key, { algorithms: ['ES256'], clockTimestamp: now })).toMatchObject({ sub: 'alice' })
  })
})

describe('a token that jose signed', () => {
  const keys = { ed: ed25519.privateKey, es: p256.privateKey, hs: Buffer.from(hmacSecret) }
  const { read } = reader()

  it.each([
    ['EdDSA', 'ed'],
    ['ES256', 'es'],
    ['HS256', 'hs'],
  ] as const)('with %s is accepted, and refused when one letter of it changes', async (alg, kid) => {
    const token = await new SignJWT(goodClaims).setProtectedHeader({ alg, kid, typ: 'at+jwt' }).sign(keys[kid])
    expect(read(token)).toBe('accepted')
    const at = token.indexOf('.') + 10
    expect(read(token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1))).toBe('bad-signature')
  })
})

/** The last segment of a compact serialization, and what it signs. */
function halves(token: string): [input: string, signature: Buffer] {
  const at = token.lastIndexOf('.')
  return [token.slice(0, at), Buffer.from(token.slice(at + 1), 'base64url')]
}

describe('the vectors of the RFCs', () => {
  it('RFC 7515 A.1: HS256', () => {
    const k = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'
    const [input, signature] = halves(
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    )
    const { sign, verify } = signatureOf('HS256', secretKey(Buffer.from(k, 'base64url')))
    expect(sign?.(input)).toEqual(signature)
    expect(verify(input, signature)).toBe(true)
    expect(verify(`${input}a`, signature)).toBe(false)
  })

  it('RFC 7515 A.3: ES256', () => {
    const key = importKey('public', {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    })
    const [input, signature] = halves(
      'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
    )
    const { sign, verify } = signatureOf('ES256', key)
    expect(sign).toBeNull()
    expect(verify(input, signature)).toBe(true)
    expect(verify(`${input}a`, signature)).toBe(false)
  })

  it('RFC 8037 A.1 to A.5: Ed25519, its signature and its thumbprint', () => {
    const jwk = {
      kty: 'OKP',
      crv: 'Ed25519',
      d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    }
    const [input, signature] = halves(
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    )
    const { sign, verify } = signatureOf('EdDSA', importKey('private', jwk))
    expect(sign?.(input)).toEqual(signature)
    expect(verify(input, signature)).toBe(true)
    expect(verify(`${input}a`, signature)).toBe(false)
    expect(thumbprint(jwk)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })
})
