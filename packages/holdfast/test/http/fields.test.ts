import { expect, test } from 'vitest'
import { Exchange } from '../../src/http/exchange.ts'
import { unknownFields } from '../../src/http/fields.ts'
import { answerRoute } from '../../src/http/routes.ts'
import { createWorld } from './app.ts'
import { fakeCarrier } from './fake-carrier.ts'

test('names that are not known are told, no more of them and of each than a person reads', () => {
  const names = ['limit', 'x'.repeat(1000), ...Array.from({ length: 100 }, (_, at) => `field-${at}`)]
  const told = unknownFields(names, ['limit'])
  expect(told).toHaveLength(10)
  expect(told[0]).toEqual({ field: 'x'.repeat(64), message: 'is not known here' })
  expect(unknownFields(['limit'], ['limit'])).toEqual([])
})

test.each(['/auth/refresh', '/auth/anonymous'])(
  'a body of nothing but unknown members gets no longer answer at %s',
  async (path) => {
    const body = Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`f${at}`, 1]))))
    const headers = { host: 'localhost', 'content-type': 'application/json' }
    const carrier = { ...fakeCarrier({ method: 'POST', target: path, headers }), readBody: async () => body }
    const answer = await answerRoute(new Exchange(createWorld().holdfast.http, carrier), path)
    expect(answer?.status).toBe(400)
    expect((JSON.parse(answer?.body ?? '') as { errors: unknown[] }).errors).toHaveLength(10)
  },
)
