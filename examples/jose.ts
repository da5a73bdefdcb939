import express from 'express'
import { holdfastErrors } from 'holdfast/adapters/express'
import { createDenylist, refuseRevoked } from 'holdfast/denylist'
import { sqliteStore } from 'holdfast/store/sqlite'
import { jwtVerify, SignJWT } from 'jose'
import { checkPassword } from './users.ts'

const key = new TextEncoder().encode(process.env.JWT_KEY ?? process.env.HOLDFAST_SECRET)
const denylist = createDenylist({ store: sqliteStore(process.env.DENYLIST ?? 'denylist.db'), tokenLifetime: '1h' })
const verified = async (request: express.Request) => {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
  const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], requiredClaims: ['exp'] })
  return { token, subject: String(payload.sub) }
}

const app = express()
app.use(refuseRevoked(denylist), express.json())
app.post('/login', async (request, response) => {
  const subject = await checkPassword(request.body)
  if (subject === undefined) return response.sendStatus(401)
  const token = new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject(subject).setIssuedAt().setExpirationTime('1h')
  response.json({ token: await token.sign(key) })
})
app.get('/me', async (request, response) => response.json({ subject: (await verified(request)).subject }))
app.post('/logout', async (request, response) => {
  await denylist.revoke({ token: (await verified(request)).token })
  response.sendStatus(204)
})
app.post('/logout-everywhere', async (request, response) => {
  await denylist.revoke({ subject: (await verified(request)).subject })
  response.sendStatus(204)
})
app.use(holdfastErrors(), ((_error, _request, response, _next) => response.sendStatus(401)) satisfies express.ErrorRequestHandler)
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))
