/** Password hashing: Argon2id (RFC 9106), in threads of its own, behind a bounded queue. */
import { availableParallelism } from 'node:os'
import { argon2id, hash, needsRehash, verify } from 'argon2'
import { randomSalt } from '../random.ts'
import { Queue, type QueueLimits, type QueueLoad } from './queue.ts'

export interface HashCost {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly lanes: number
}

export interface PasswordHasher {
  /** PHC text form. Throws `rate-limited` when too many wait. */
  hash(password: string): Promise<string>
  /**
   * Whether the password belongs to the hash. With no hash (an unknown account) it does the same work and says
   * no: the time and the place in the queue must not tell whether the account exists.
   */
  verify(hash: string | undefined, password: string): Promise<boolean>
  /** Whether the hash was made with other parameters than today's. */
  isOutdated(hash: string): boolean
  /** How much is being hashed, and how much waits. */
  load(): QueueLoad
}

export interface PasswordHasherOptions {
  /** Default 64 MiB, 3 passes, 4 lanes. */
  readonly cost?: HashCost
  /** Default: as many at once as find a core for each lane, at least one and at most two; 64 waiting. */
  readonly limits?: QueueLimits
}

const saltBytes = 32
const hashBytes = 32
const defaultCost: HashCost = { memory: 65_536, passes: 3, lanes: 4 }

/** The same password can be typed composed or decomposed; nothing else is changed: no trimming, folding or cutting. */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8')
}

/** A hash of today's parameters that no password is known for. Costs nothing to make, and the same as any to verify. */
function decoyHash({ memory, passes, lanes }: HashCost): string {
  const unpadded = (bytes: number) => randomSalt(bytes).toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memory},p=${lanes},t=${passes}$${unpadded(saltBytes)}$${unpadded(hashBytes)}`
}

export function createPasswordHasher({ cost = defaultCost, limits }: PasswordHasherOptions = {}): PasswordHasher {
  // A hash runs a thread for each lane: more of them than cores do not finish sooner, and other requests wait for both.
  const running = Math.max(1, Math.min(2, Math.floor(availableParallelism() / cost.lanes)))
  const queue = new Queue(limits ?? { running, waiting: 64 })
  const parameters = { memoryCost: cost.memory, timeCost: cost.passes, parallelism: cost.lanes }
  const decoy = decoyHash(cost)
  return {
    hash: (password) =>
      queue.run(() =>
        hash(bytesOf(password), { ...parameters, type: argon2id, hashLength: hashBytes, salt: randomSalt(saltBytes) }),
      ),
    verify: (known, password) =>
      queue.run(async () => {
        const matches = await verify(known ?? decoy, bytesOf(password))
        return known !== undefined && matches
      }),
    load: () => queue.load,
    isOutdated: (known) => !known.startsWith('$argon2id$') || needsRehash(known, parameters),
  }
}
