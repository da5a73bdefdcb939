/**
 * Revocable JWTs for an app that issues its own, with any library.
 *
 * @example
 * const denylist = createDenylist({ store: sqliteStore('app.db'), tokenLifetime: '1h' })
 * app.use(refuseRevoked(denylist))
 * await denylist.revoke({ subject: 'alice' })
 */
export {
  createDenylist,
  type DenialTarget,
  type Denied,
  type DenylistVerdict,
  type TokenDenylist,
} from './defence/denylist/denylist.ts'
export type { DenylistOptions } from './defence/denylist/options.ts'
export { type RefuseRevokedOptions, refuseRevoked } from './http/refuse-revoked.ts'
