/** Checking of attributes by any Standard Schema validator (zod, valibot, arktype …), and bounds on their size. */
import type { FieldProblem } from '../shared/wire.ts'
import type { Attributes, Awaitable, JsonValue } from '../store/store.ts'
import { HoldfastError, invalidField } from './errors.ts'

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
type Outcome<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

/** The part of Standard Schema v1 that is used, described structurally. */
export interface StandardSchema<T> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Awaitable<Outcome<T>>
  }
}

/** Attributes are for a role or a tenant, not for an application's data: the record is read at each check. */
const mostBytes = 8192
const deepest = 8

/** A frozen copy that is JSON and nothing else; throws `invalid-request` naming the place. */
function copyJson(value: unknown, field: string, depth: number): JsonValue {
  if (depth > deepest) throw invalidField(field, `is nested deeper than ${deepest} levels`)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return Object.freeze(value.map((item, at) => copyJson(item, `${field}.${at}`, depth + 1)))
  if (typeof value !== 'object') throw invalidField(field, 'is not a JSON value')
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw invalidField(field, 'is not a plain object')
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.freeze(
    Object.fromEntries(
      entries.map(([key, item]) => {
        // `__proto__` as an own key would change the prototype of whatever it is assigned to later.
        if (key === '__proto__') throw invalidField(field, 'has a key named __proto__')
        return [key, copyJson(item, `${field}.${key}`, depth + 1)]
      }),
    ),
  )
}

function pathOf(issue: Issue): string {
  const keys = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
  return ['attributes', ...keys].join('.')
}

/** Validated, bounded, frozen attributes. Throws `invalid-request` with every problem that the schema names. */
export async function checkAttributes(schema: StandardSchema<Attributes> | undefined, given: unknown): Promise<Attributes> {
  let value = given
  if (schema !== undefined) {
    const outcome = await schema['~standard'].validate(given)
    if (outcome.issues !== undefined) {
      const fields: FieldProblem[] = outcome.issues.map((issue) => ({ field: pathOf(issue), message: issue.message }))
      throw new HoldfastError('invalid-request', { detail: 'attributes are not valid', fields })
    }
    value = outcome.value
  }
  const copy = copyJson(value, 'attributes', 0)
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) throw invalidField('attributes', 'is not an object')
  if (Buffer.byteLength(JSON.stringify(copy)) > mostBytes) throw invalidField('attributes', `takes more than ${mostBytes} bytes`)
  return copy as Attributes
}
