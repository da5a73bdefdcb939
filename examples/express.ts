import express from 'express'
import { createHoldfast } from 'holdfast'
import { holdfastErrors, holdfastExpress, requireSession } from 'holdfast/adapters/express'
import { sqliteStore } from 'holdfast/store/sqlite'
import { checkPassword } from './users.ts'

const secret = process.env.HOLDFAST_SECRET
const holdfast = createHoldfast({ secret, store: sqliteStore('sessions.db'), csrf: { originOnlyPaths: ['/login'] } })

const app = express()
app.use(holdfastExpress(holdfast), express.json())
app.post('/login', async (request, response) => {
  const subject = await checkPassword(request.body)
  if (subject === undefined) return response.sendStatus(401)
  await request.holdfast.signIn({ subject })
  response.sendStatus(204)
})
app.get('/me', requireSession(), (request, response) => response.json({ subject: request.holdfast.subject }))
app.use(holdfastErrors())
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))
