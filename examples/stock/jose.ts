/** A stock app that issues JWTs with jose: a stolen one works until it expires. `examples/jose.ts` ends that. */
import express from 'express'
import { jwtVerify, SignJWT } from 'jose'
import { checkPassword } from '../users.ts'

const key = new TextEncoder().encode(process.env.JWT_KEY ?? process.env.HOLDFAST_SECRET)

/** The token of a request, which is good, and whose it is. Throws when it is not. */
export async function verified({ headers }: express.Request): Promise<{ readonly token: string; readonly subject: string }> {
  const token = headers.authorization?.slice('Bearer '.length) ?? ''
  const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], requiredClaims: ['exp'] })
  return { token, subject: String(payload.sub) }
}

export const stock: express.Router = express.Router()
stock.use(express.json())
stock.post('/login', async (request, response) => {
  const subject = await checkPassword(request.body)
  if (subject === undefined) return response.sendStatus(401)
  const token = new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject(subject).setIssuedAt().setExpirationTime('1h')
  response.json({ token: await token.sign(key) })
})
stock.get('/me', async (request, response) => response.json({ subject: (await verified(request)).subject }))

export const unauthorized: express.ErrorRequestHandler = (_error, _request, response, _next) => response.sendStatus(401)
