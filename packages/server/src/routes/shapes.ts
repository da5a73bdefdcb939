/** Shapes of answers, for the OpenAPI document. */
import { z } from 'zod'

export const userShape: z.ZodType = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().optional(),
  role: z.enum(['admin', 'user']),
  disabled: z.boolean(),
  createdAt: z.iso.datetime(),
})

const sessionFields = {
  id: z.string(),
  subject: z.string().nullable(),
  current: z.boolean(),
  label: z.string(),
  ip: z.string().nullable(),
  createdAt: z.iso.datetime(),
  seenAt: z.iso.datetime(),
  idleExpiresAt: z.iso.datetime(),
  absoluteExpiresAt: z.iso.datetime(),
  amr: z.array(z.string()),
  origin: z.string(),
  revokedAt: z.iso.datetime().optional(),
  reason: z.string().optional(),
}
export const sessionShape: z.ZodType = z.object(sessionFields)
/** In an administrator's list: with the name of the account, null when there is none (any more). */
export const namedSessionShape: z.ZodType = z.object({ ...sessionFields, username: z.string().nullable() })

/** `source`: the network that is locked; `subject` and `username`: null for a name that no account has. */
export const lockShape: z.ZodType = z.object({
  id: z.string(),
  kind: z.enum(['source', 'account', 'device']),
  source: z.string().nullable(),
  subject: z.string().nullable(),
  username: z.string().nullable(),
  until: z.iso.datetime(),
})

export const eventShape: z.ZodType = z.object({
  sequence: z.int(),
  at: z.iso.datetime(),
  kind: z.string(),
  category: z.string(),
  severity: z.enum(['info', 'warn', 'critical']),
  session: z.string().nullable(),
  subject: z.string().nullable(),
  actor: z.string().nullable(),
  ip: z.string().nullable(),
  object: z.string().nullable(),
  reason: z.string().nullable(),
  outcome: z.string().nullable(),
  hash: z.string(),
})

export const problemShape: z.ZodType = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
})

/** RFC 6749 section 5.2. */
export const oauthErrorShape: z.ZodType = z.object({ error: z.string(), error_description: z.string() })

export function pageOf(item: z.ZodType): z.ZodType {
  return z.object({ items: z.array(item), next: z.string().optional() })
}

export const signedInShape: z.ZodType = z.object({ session: sessionShape, user: userShape })
export const revokedShape: z.ZodType = z.object({ revoked: z.int(), durable: z.boolean() })
