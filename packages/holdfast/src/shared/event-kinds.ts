/**
 * Security events: one row per kind. Names and severities are those of the OWASP logging vocabulary where it has the
 * word, and in its style where it has none; the category is the first word of the name.
 */

/** As the vocabulary has them: for the record; worth a look; act on it. */
export const eventSeverities = ['info', 'warn', 'critical'] as const
export type EventSeverity = (typeof eventSeverities)[number]

export const eventKinds = {
  session_created: { severity: 'info', means: 'A session was issued' },
  session_renewed: { severity: 'info', means: 'The secret of a session was replaced' },
  session_refresh_repeated: { severity: 'info', means: 'A refresh token just spent was repeated by its own client' },
  session_promoted: { severity: 'info', means: 'An anonymous session became a signed-in one' },
  session_elevated: { severity: 'info', means: 'A step-up was recorded' },
  session_updated: { severity: 'info', means: 'Attributes of a session changed' },
  session_revoked: { severity: 'info', means: 'A session was ended' },
  session_evicted: { severity: 'info', means: 'A session was ended to keep the limit' },
  session_expired: { severity: 'info', means: 'A session met its idle or absolute limit' },
  session_use_after_expire: { severity: 'warn', means: 'The token of an expired session was presented' },
  session_use_after_revoke: { severity: 'warn', means: 'The token of a revoked session was presented' },
  session_token_superseded: { severity: 'warn', means: 'A replaced secret was presented' },
  session_token_invalid: { severity: 'warn', means: 'A token that this service never issued was presented' },
  session_binding_mismatch: { severity: 'critical', means: 'A token was presented by another kind of client' },
  session_ip_changed: { severity: 'info', means: 'A session was used from another network' },
  session_several_networks: {
    severity: 'warn',
    means: 'A session went back and forth between networks: two clients may hold it',
  },
  session_policy_shadow: {
    severity: 'info',
    means: 'A stricter policy, which is only tried, would have had the outcome told',
  },
  session_everyone_out: { severity: 'critical', means: 'Every session was ended' },
  session_check_unavailable: { severity: 'warn', means: 'A session could not be checked' },
  api_key_created: { severity: 'info', means: 'An API key was made' },
  api_key_revoked: { severity: 'info', means: 'An API key was ended' },
  api_key_missing: { severity: 'warn', means: 'A request came without the API key that it needs' },
  api_key_malformed: { severity: 'warn', means: 'Something that is no API key was presented as one' },
  api_key_unknown: { severity: 'warn', means: 'An API key that does not exist was presented' },
  api_key_use_after_end: { severity: 'warn', means: 'An expired or revoked API key was presented' },
  api_key_source_refused: { severity: 'critical', means: 'An API key was presented from a network that it is not for' },
  authn_token_created: { severity: 'info', means: 'A client of a user was given tokens' },
  authn_token_reuse: { severity: 'critical', means: 'A spent refresh token was presented: somebody else may hold a copy' },
  authn_login_success: { severity: 'info', means: 'Someone signed in' },
  authn_login_fail: { severity: 'warn', means: 'A sign-in was refused' },
  authn_login_lock: { severity: 'warn', means: 'Failed sign-ins locked a name for a source, an account, or a device' },
  authn_login_unlock: { severity: 'warn', means: 'An administrator lifted a lock' },
  authn_login_new_device: { severity: 'info', means: 'Someone signed in from a device that was not known' },
  authn_reauthenticate_success: { severity: 'info', means: 'Someone proved again who they are' },
  authn_reauthenticate_fail: { severity: 'warn', means: 'A proof of identity was refused' },
  authn_password_change: { severity: 'info', means: 'A password was changed' },
  authn_password_change_fail: { severity: 'critical', means: 'A password change was refused' },
  authz_fail: { severity: 'critical', means: 'Someone asked for what they may not do' },
  authz_admin: { severity: 'warn', means: 'An administrator ended sessions' },
  user_created: { severity: 'warn', means: 'An account was created' },
  user_updated: { severity: 'warn', means: 'An account was changed' },
  user_deleted: { severity: 'warn', means: 'An account was deleted' },
  proxy_unlisted: { severity: 'warn', means: 'A proxy that is not trusted passes requests on: its clients count as one' },
  setup_refused: { severity: 'warn', means: 'A set-up attempt was refused' },
  webhook_failing: { severity: 'warn', means: 'The receiver of the webhook did not take an event; told once an outage' },
  webhook_lost: {
    severity: 'critical',
    means: 'Events were deleted for their age before the webhook could be delivered; the outcome says how many',
  },
  events_lost: {
    severity: 'critical',
    means:
      'Security events were not recorded: a flood of the kind told, or no room while the store was away; the outcome says how many',
  },
  events_swept: { severity: 'info', means: 'Old security events were deleted on purpose' },
} as const

export type EventKind = keyof typeof eventKinds

/** The first word of a kind, which names what it is about: `session`, `authn`, `authz`, `user` … */
export type EventCategory = EventKind extends infer Kind ? (Kind extends `${infer Category}_${string}` ? Category : never) : never

export function categoryOf(kind: EventKind): EventCategory {
  return kind.slice(0, kind.indexOf('_')) as EventCategory
}
