import { expect, it } from 'vitest'
import { Reassertion } from '../../src/store/reassertion.ts'
import { deferred, settle } from '../engine/support/start.ts'

it('is done once for each primary, and again after a fault as soon as somebody asks', async () => {
  let fails = true
  const done: string[] = []
  const reassertion = new Reassertion([
    async () => {
      done.push('revocations')
      if (fails) throw new Error('no answer')
    },
    async () => {
      done.push('denials')
    },
  ])
  const resumed = async () => {
    reassertion.resume()
    await settle()
    return done.splice(0)
  }
  expect(await resumed()).toEqual([])
  reassertion.start()
  await settle()
  // The fault of one keeps no other from being done.
  expect(done.splice(0)).toEqual(['revocations', 'denials'])
  expect(await resumed()).toEqual(['revocations', 'denials'])
  fails = false
  expect(await resumed()).toEqual(['revocations', 'denials'])
  expect(await resumed()).toEqual([])
})

it('follows what is under way when another primary comes meanwhile, and never runs twice at once', async () => {
  const rounds = [deferred<void>(), deferred<void>()]
  let begun = 0
  const reassertion = new Reassertion([
    () => {
      begun += 1
      return rounds[begun - 1]?.promise ?? Promise.resolve()
    },
  ])
  reassertion.start()
  reassertion.start()
  reassertion.start()
  expect(begun).toBe(1)
  rounds[0]?.resolve()
  await settle()
  expect(begun).toBe(2)
  rounds[1]?.resolve()
  await settle()
  expect(begun).toBe(2)
})
