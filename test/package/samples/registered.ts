// Type-checked against the packed library: an app names what its sessions carry, once, and every adapter knows.
import express from 'express'
import fastify from 'fastify'
import { createHoldfast } from 'holdfast'
import { type HeldRequest, holdfastExpress } from 'holdfast/adapters/express'
import { holdfastFastify } from 'holdfast/adapters/fastify'
import { holdfastHono } from 'holdfast/adapters/hono'
import { memoryStore } from 'holdfast/store/memory'
import { Hono } from 'hono'

declare module 'holdfast' {
  interface Register {
    attributes: { role: 'admin' | 'user' }
  }
}

type Role = 'admin' | 'user'
const holdfast = createHoldfast({ secret: process.env.HOLDFAST_SECRET, store: memoryStore() })

const onExpress = express()
onExpress.use(holdfastExpress(holdfast))
onExpress.get('/', async (request, response) => {
  const role: Role | undefined = request.holdfast.session?.attributes.role
  // @ts-expect-error No such role.
  await request.holdfast.signIn({ subject: 'alice', attributes: { role: 'owner' } })
  response.json({ role })
})

const onFastify = fastify()
await onFastify.register(holdfastFastify(holdfast))
onFastify.get('/', (request): { role: Role | undefined } => ({ role: request.holdfast.session?.attributes.role }))

const onHono = new Hono()
onHono.use(holdfastHono(holdfast))
onHono.get('/', (c) => {
  const role: Role | undefined = c.get('holdfast').session?.attributes.role
  return c.json({ role })
})

export const roleOf = (request: HeldRequest): Role | undefined => request.holdfast.session?.attributes.role
// @ts-expect-error No such role here either.
await holdfast.issue({ subject: 'alice', attributes: { role: 'owner' } })
