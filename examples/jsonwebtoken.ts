import express from 'express'
import { holdfastErrors } from 'holdfast/adapters/express'
import { createDenylist, refuseRevoked } from 'holdfast/denylist'
import { sqliteStore } from 'holdfast/store/sqlite'
import jwt from 'jsonwebtoken'
import { checkPassword } from './users.ts'

const key = process.env.JWT_KEY ?? process.env.HOLDFAST_SECRET ?? ''
const denylist = createDenylist({ store: sqliteStore(process.env.DENYLIST ?? 'denylist.db'), tokenLifetime: '1h' })
const subjectOf = (request: express.Request) => {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
  return String(jwt.verify(token, key, { algorithms: ['HS256'] }).sub)
}

const app = express()
app.use(refuseRevoked(denylist), express.json())
app.post('/login', async (request, response) => {
  const subject = await checkPassword(request.body)
  if (subject === undefined) return response.sendStatus(401)
  response.json({ token: jwt.sign({}, key, { subject, expiresIn: '1h' }) })
})
app.get('/me', (request, response) => response.json({ subject: subjectOf(request) }))
app.post('/logout-everywhere', async (request, response) => {
  await denylist.revoke({ subject: subjectOf(request) })
  response.sendStatus(204)
})
app.use(holdfastErrors(), ((_error, _request, response, _next) => response.sendStatus(401)) satisfies express.ErrorRequestHandler)
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))
