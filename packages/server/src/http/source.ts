/** Requests that must come from our own pages although no session vouches for them yet. */
import type { FastifyRequest } from 'fastify'
import { HoldfastError } from 'holdfast'

/**
 * Paths where the origin is checked instead of a CSRF token: no session is asked for that a token could belong to. What an
 * OAuth endpoint acts by is in the request itself, whatever cookies came along.
 */
export const originOnlyPaths: readonly string[] = [
  '/auth/login',
  '/auth/setup',
  '/oauth/token',
  '/oauth/revoke',
  '/oauth/introspect',
]

/** Throws `csrf-failed` when another site's page made the request. */
export function requireOwnPage(request: FastifyRequest): void {
  const detail = request.holdfast.sourceProblem()
  if (detail !== undefined) throw new HoldfastError('csrf-failed', { detail })
}
