/** What a route is. The table of them registers the routes, writes the OpenAPI document, and is what tests walk. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Account } from '../accounts/account.ts'
import type { Services } from '../services.ts'

/**
 * Who may call: anyone; whoever has a live session of an enabled account; administrators. With `-fresh`: those of them
 * who proved who they are within the last ten minutes. `monitor`: administrators, and API keys of theirs with the scope
 * `metrics`; never an address, which proves nothing behind a proxy. `client`: an OAuth client, public or by an API key;
 * `introspector`: by an API key with the scope for it. The routes of these two take forms, and fail as OAuth has it.
 */
export type Access = SessionAccess | OauthAccess
export type SessionAccess = 'anyone' | 'subject' | 'subject-fresh' | 'administrator' | 'administrator-fresh' | 'monitor'
export type OauthAccess = 'client' | 'introspector'

export function isOauth(access: Access): access is OauthAccess {
  return access === 'client' || access === 'introspector'
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface Call<Body = unknown, Query = unknown, Params = unknown> {
  readonly body: Body
  readonly query: Query
  readonly params: Params
  readonly request: FastifyRequest
  /** For what is no single answer; other handlers return theirs. */
  readonly reply: FastifyReply
  readonly services: Services
  /** Who calls, read from the accounts for this request; throws when the route is open to anyone. */
  readonly account: Account
}

export interface Route {
  readonly method: Method
  /** With `:name` parameters. */
  readonly path: string
  readonly summary: string
  readonly access: Access
  readonly body?: z.ZodType
  readonly query?: z.ZodType
  readonly params?: z.ZodType
  /** Status of success; 204 has no body. */
  readonly status: 200 | 201 | 204
  readonly answer?: z.ZodType
  /** Answers of success that are no JSON, by media type. */
  readonly otherAnswers?: Readonly<Record<string, z.ZodType>>
  /** Codes of the problem documents that are this route's own. */
  readonly problems?: readonly string[]
  /** Of the answer of success, in place of those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>
  readonly handle: (call: Call) => Promise<unknown>
}

interface Definition<Body, Query, Params> extends Omit<Route, 'body' | 'query' | 'params' | 'handle'> {
  readonly body?: z.ZodType<Body>
  readonly query?: z.ZodType<Query>
  readonly params?: z.ZodType<Params>
  readonly handle: (call: Call<Body, Query, Params>) => Promise<unknown> | unknown
}

/** Declares a route; the handler's input has the types of its schemas, because it is validated by them first. */
export function route<Body = undefined, Query = undefined, Params = undefined>(
  definition: Definition<Body, Query, Params>,
): Route {
  return {
    ...definition,
    handle: async (call) => definition.handle(call as Call<Body, Query, Params>),
  }
}

/** The account of a call to a route that is open to anyone. */
export function noAccount(): Account {
  throw new Error('a route that is open to anyone asked for the account')
}
