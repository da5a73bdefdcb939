/** The steps as commands with arbitrary input, each followed by the invariants. */
import fc from 'fast-check'
import { minute, second } from '../support/start.ts'
import type { When } from '../support/stores.ts'
import { checkInvariants } from './invariants.ts'
import { forgeries, type Step, steps } from './steps.ts'
import type { World } from './world.ts'

/** A command that can always run, prints itself, and is followed by the invariants. */
class Command implements fc.AsyncCommand<object, World> {
  readonly #name: string
  readonly #step: Step
  constructor(name: string, step: Step) {
    this.#name = name
    this.#step = step
  }
  check = () => true
  async run(_: object, world: World): Promise<void> {
    await this.#step(world)
    await checkInvariants(world)
  }
  toString = () => this.#name
}

const nat = fc.nat({ max: 40 })
const node = fc.nat({ max: 1 })
const subject = fc.constantFrom('alice', 'bob')
const maybe = fc.option(nat, { nil: undefined, freq: 2 })
const short = fc.integer({ min: 0, max: 15 * second })
const long = fc.integer({ min: 0, max: 45 * minute })
const when = fc.constantFrom<When>('before', 'after')

function arbitrary<T extends unknown[]>(
  name: string,
  inputs: { [K in keyof T]: fc.Arbitrary<T[K]> },
  make: (...input: T) => Step,
) {
  return fc.tuple<T>(...inputs).map((input) => new Command(`${name}(${input.join(', ')})`, make(...input)))
}

export const commands: fc.Arbitrary<fc.AsyncCommand<object, World>>[] = [
  arbitrary('issue', [node, subject, fc.boolean(), maybe], steps.issue),
  arbitrary('anonymous', [node], steps.anonymous),
  arbitrary('promote', [node, nat, subject], steps.promote),
  arbitrary('renew', [node, nat, fc.boolean()], steps.renew),
  arbitrary('renew', [node, nat, fc.boolean()], steps.renew),
  arbitrary('grant', [node, subject], steps.grant),
  arbitrary('exchange', [node, nat, fc.constantFrom(0, 0, 0, 1, 2)], steps.exchange),
  arbitrary('exchange', [node, nat, fc.constantFrom(0, 1)], steps.exchange),
  arbitrary('update', [node, nat], steps.update),
  arbitrary('revokeOne', [node, nat], steps.revokeOne),
  arbitrary('revokeSubject', [node, subject, maybe], steps.revokeSubject),
  arbitrary('revokeAll', [node], steps.revokeAll),
  arbitrary('present', [node, nat, fc.constantFrom(...(Object.keys(forgeries) as (keyof typeof forgeries)[]))], steps.present),
  arbitrary('otherClient', [node, nat], steps.otherClient),
  arbitrary('outage', [node, nat], steps.outage),
  arbitrary('sweep', [node], steps.sweep),
  arbitrary('pass', [short], steps.pass),
  arbitrary('pass', [long], steps.pass),
  arbitrary('jump', [fc.integer({ min: -90 * minute, max: 90 * minute })], steps.jump),
  arbitrary('jump', [fc.constant(25 * 60 * minute)], steps.jump),
  arbitrary('fault', [node, fc.integer({ min: 1, max: 5 }), when, fc.constantFrom(0, 0, 1, 8)], steps.fault),
  arbitrary('feed', [node, fc.boolean()], steps.feed),
  arbitrary('restart', [node, fc.nat({ max: 2 })], steps.restart),
]
