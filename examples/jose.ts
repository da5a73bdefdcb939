import express from 'express'
import { holdfastErrors } from 'holdfast/adapters/express'
import { createDenylist, refuseRevoked } from 'holdfast/denylist'
import { sqliteStore } from 'holdfast/store/sqlite'
import { stock, unauthorized, verified } from './stock/jose.ts'

const denylist = createDenylist({ store: sqliteStore(process.env.DENYLIST ?? 'denylist.db'), tokenLifetime: '1h' })
const app = express().use(refuseRevoked(denylist), stock)
app.post('/logout', async (request, response) => {
  await denylist.revoke({ token: (await verified(request)).token })
  response.sendStatus(204)
})
app.post('/logout-everywhere', async (request, response) => {
  await denylist.revoke({ subject: (await verified(request)).subject })
  response.sendStatus(204)
})
app.use(holdfastErrors(), unauthorized)
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))
