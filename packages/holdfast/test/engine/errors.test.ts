import { describe, expect, it } from 'vitest'
import { ConfigurationError, cryptoUnavailable, HoldfastError, invalidField, storeUnavailable } from '../../src/engine/errors.ts'
import { problems } from '../../src/shared/codes.ts'

describe('errors', () => {
  it.each(Object.entries(problems))('with code %s answer with the status and title of the table', (code, { status, title }) => {
    const error = new HoldfastError(code as keyof typeof problems)
    expect(error).toMatchObject({ name: 'HoldfastError', code, status, message: title, fields: [] })
    expect(error).toBeInstanceOf(Error)
  })

  it('for "cannot tell" say when to ask again and keep their cause', () => {
    const cause = new Error('connection refused')
    expect(storeUnavailable(cause)).toMatchObject({ code: 'store-unavailable', status: 503, retryAfter: 1, cause })
    expect(cryptoUnavailable(cause)).toMatchObject({ code: 'crypto-unavailable', status: 503, retryAfter: 5, cause })
    // The cause is for the log; what is shown says nothing of it.
    expect(storeUnavailable(cause).message).not.toContain('refused')
    expect(storeUnavailable(cause).detail).toBeUndefined()
  })

  it('are not wrapped twice', () => {
    const refused = invalidField('limit', 'must be from 1 to 200')
    expect(storeUnavailable(refused)).toBe(refused)
  })

  it('of input name the field', () => {
    expect(invalidField('limit', 'must be from 1 to 200')).toMatchObject({
      code: 'invalid-request',
      status: 400,
      detail: 'limit must be from 1 to 200',
      fields: [{ field: 'limit', message: 'must be from 1 to 200' }],
    })
  })

  it('of options list every problem on a line of its own', () => {
    const error = new ConfigurationError([
      { field: 'secret', message: 'is required' },
      { field: 'store', message: 'must be a session store' },
    ])
    expect(error.message.split('\n').slice(1)).toEqual(['  secret: is required', '  store: must be a session store'])
  })
})
