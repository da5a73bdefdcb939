/** A stock app that issues JWTs with jsonwebtoken: a stolen one works until it expires. `examples/jsonwebtoken.ts` ends that. */
import express from 'express'
import jwt from 'jsonwebtoken'
import { checkPassword } from '../users.ts'

const key = process.env.JWT_KEY ?? process.env.HOLDFAST_SECRET ?? ''

/** Whose token a request has. Throws when it is not good. */
export function subjectOf({ headers }: express.Request): string {
  const token = headers.authorization?.slice('Bearer '.length) ?? ''
  return String(jwt.verify(token, key, { algorithms: ['HS256'] }).sub)
}

export const stock: express.Router = express.Router()
stock.use(express.json())
stock.post('/login', async (request, response) => {
  const subject = await checkPassword(request.body)
  if (subject === undefined) return response.sendStatus(401)
  response.json({ token: jwt.sign({}, key, { subject, expiresIn: '1h' }) })
})
stock.get('/me', (request, response) => response.json({ subject: subjectOf(request) }))

export const unauthorized: express.ErrorRequestHandler = (_error, _request, response, _next) => response.sendStatus(401)
