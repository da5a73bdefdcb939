/** Fields that requests share. Their messages are read by people, after the field's name. */
import { z } from 'zod'
import { roles } from '../accounts/account.ts'
import { emailProblem, longestEmail, usernameProblem } from '../accounts/names.ts'
import { longestPassword } from '../passwords/policy.ts'

const typed = (expected: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? 'is required' : `must be ${expected}`

const wellFormed = (value: string): boolean => value.isWellFormed()
const notBlank = (value: string): boolean => value.trim() !== ''

/** Text that identifies something; length in UTF-16 units. */
export function textField(longest: number): z.ZodType<string> {
  return z
    .string({ error: typed('text') })
    .max(longest, { error: `must have at most ${longest} characters`, abort: true })
    .refine(notBlank, { error: 'must not be blank', abort: true })
    .refine(wellFormed, { error: 'must be well-formed Unicode text' })
}

/**
 * A password as presented: bounded before anything is done with it. Twice the limit, because the limit counts
 * characters and this counts UTF-16 units.
 */
export const passwordField: z.ZodType<string> = z
  .string({ error: typed('text') })
  .min(1, { error: 'must not be blank' })
  .max(longestPassword * 2, { error: `must have at most ${longestPassword} characters`, abort: true })
  .refine(wellFormed, { error: 'must be well-formed Unicode text' })

function checkedText(longest: number, problemOf: (value: string) => string | undefined): z.ZodType<string> {
  return z
    .string({ error: typed('text') })
    .max(longest * 2, { error: `must have at most ${longest} characters`, abort: true })
    .superRefine((value, context) => {
      const message = problemOf(value)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
}

/** A name that a new account is to have. */
export const usernameField: z.ZodType<string> = checkedText(64, usernameProblem)
export const emailField: z.ZodType<string> = checkedText(longestEmail, emailProblem)
/** A user name or e-mail address as presented at sign-in: any bounded text, so that a bad one is just an unknown one. */
export const loginField: z.ZodType<string> = textField(256)
export const flagField: z.ZodType<boolean> = z.boolean({ error: typed('true or false') })
export const roleField: z.ZodType<(typeof roles)[number]> = z.enum(roles, { error: typed(`one of ${roles.join(', ')}`) })

const count = /^\d{1,3}$/
export const mostPerPage = 200
const limitField = z
  .string({ error: typed('a number') })
  .refine((value) => count.test(value) && Number(value) >= 1 && Number(value) <= mostPerPage, {
    error: `must be a whole number from 1 to ${mostPerPage}`,
  })

interface PageFields {
  readonly cursor: z.ZodType<string | undefined>
  readonly limit: z.ZodType<string | undefined>
}

export const pageFields: PageFields = { cursor: textField(512).optional(), limit: limitField.optional() }
export const idParams: z.ZodType<{ id: string }> = z.strictObject({ id: textField(256) })

export function pageLimit(limit: string | undefined): number {
  return limit === undefined ? 50 : Number(limit)
}
