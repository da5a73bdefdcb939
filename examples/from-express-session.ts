// Was: `req.session.user`, `req.session.views`, `req.session.destroy()`. See docs/guides/coming-from.md.
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
  await request.holdfast.signIn({ subject, attributes: { views: 0 } })
  response.sendStatus(204)
})
app.get('/me', requireSession(), (request, response) => response.json({ subject: request.holdfast.subject }))
app.get('/views', requireSession(), async (request, response) => {
  const session = await request.holdfast.update(({ views, ...others }) => ({ ...others, views: Number(views) + 1 }))
  response.json({ views: session.attributes.views })
})
app.post('/logout', requireSession(), async (request, response) => {
  await request.holdfast.signOut()
  response.sendStatus(204)
})
app.use(holdfastErrors())
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))
