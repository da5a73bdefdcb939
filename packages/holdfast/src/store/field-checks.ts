/** What the fields of a stored session record must be: one of another kind is a damaged row, never a default. */

import type { SessionId } from './store.ts'

export type Check = (value: unknown) => boolean

export const isText: Check = (value) => typeof value === 'string'
export const isNumber: Check = (value) => typeof value === 'number'
export const isBoolean: Check = (value) => typeof value === 'boolean'
export const isTextOrNull: Check = (value) => value === null || typeof value === 'string'
export const isNumberOrNull: Check = (value) => value === null || typeof value === 'number'
export const isTexts: Check = (value) => Array.isArray(value) && value.every(isText)
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isElevation: Check = (value) =>
  value === null ||
  (isObject(value) &&
    (value.since === undefined || isNumber(value.since)) &&
    isNumber(value.until) &&
    isTexts(value.amr) &&
    isTextOrNull(value.acr))

export const isPrevious: Check = (value) => value === null || (isObject(value) && isText(value.digest) && isNumber(value.until))

const isFormat: Check = (value) => value === 'opaque' || value === 'jwt'

/** Missing in a row that was written before there were grants. */
export const isGrant: Check = (value) =>
  value == null ||
  (isObject(value) &&
    isText(value.salt) &&
    isFormat(value.format) &&
    isTextOrNull(value.audience) &&
    isTextOrNull(value.clientId))

/** Names the record and the field, never what stands in it. */
export function damaged(id: SessionId, field: string): Error {
  return new Error(`the stored session ${id} is damaged: ${field}`)
}
