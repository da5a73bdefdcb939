/** The places that a configuration names. */
import type { AccountStore } from '../accounts/store.ts'
import type { Config } from '../config/config.ts'
import { memorySessions } from './memory.ts'
import type { OpenedStore, Place } from './place.ts'
import { postgresAccountsPlace, postgresSessions } from './postgres.ts'
import { redisSessions } from './redis.ts'
import { sqliteAccountsPlace, sqliteSessions } from './sqlite.ts'

export function sessionsPlace({ store, dataFolder }: Config): Place<OpenedStore> {
  switch (store.kind) {
    case 'memory':
      return memorySessions
    case 'sqlite':
      return sqliteSessions(store, dataFolder)
    case 'postgres':
      return postgresSessions(store)
    case 'redis':
      return redisSessions(store)
  }
}

export function accountsPlace({ accounts, dataFolder }: Config): Place<AccountStore> {
  return accounts.kind === 'sqlite' ? sqliteAccountsPlace(accounts, dataFolder) : postgresAccountsPlace(accounts)
}
