// Type-checked against the packed library, with the frameworks installed.
import express from 'express'
import fastify from 'fastify'
import { createHoldfast } from 'holdfast'
import { holdfastErrors, holdfastExpress, requireSession as requireExpress } from 'holdfast/adapters/express'
import { holdfastFastify, requireSession as requireFastify } from 'holdfast/adapters/fastify'
import { holdfastHono, requireSession as requireHono } from 'holdfast/adapters/hono'
import { memoryStore } from 'holdfast/store/memory'
import { Hono } from 'hono'

const holdfast = createHoldfast({ secret: process.env.HOLDFAST_SECRET ?? '', store: memoryStore() })

const onExpress = express()
onExpress.use(holdfastExpress(holdfast))
onExpress.get('/me', requireExpress(), (request, response) => {
  response.json({ subject: request.holdfast.subject })
})
onExpress.use(holdfastErrors())

const onFastify = fastify()
await onFastify.register(holdfastFastify(holdfast))
onFastify.get('/me', { preHandler: requireFastify() }, (request) => ({ subject: request.holdfast.subject }))

const onHono = new Hono()
onHono.use(holdfastHono(holdfast))
onHono.get('/me', requireHono(), (c) => c.json({ subject: c.get('holdfast').subject }))
