/** The stores that histories are made on. */
import { cluster } from './cluster.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { sentinel } from './sentinel.ts'

export const scenarios = { redis, postgres, sentinel, cluster } as const
export type StoreName = keyof typeof scenarios
