/** The program of a child process: records events, so many or without end, and tells of those that are appended. */
import { createEventTrail } from '../../../src/defence/event-trail.ts'
import { namedEvent, openLog, type Place, trailSecret } from './place.ts'

export type Order =
  | { readonly do: 'record'; readonly name: string; readonly count: number }
  | { readonly do: 'churn'; readonly name: string }

function tell(message: object): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve())
  })
}

const { log } = await openLog(JSON.parse(process.argv[2] ?? '') as Place)
const trail = createEventTrail({ log, secrets: [trailSecret] })

/** Appends all that waits, however often others come first. */
async function flush(): Promise<void> {
  while (trail.waiting > 0) await trail.flush()
}

async function burst(name: string, from: number, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `${name}-${from + at}`)
  for (const object of names) trail.record(namedEvent(object))
  await flush()
  return names
}

const burstSize = 20

process.on('message', async (order: Order) => {
  const most = order.do === 'record' ? order.count : Number.POSITIVE_INFINITY
  for (let from = 0; from < most; from += burstSize) await tell({ appended: await burst(order.name, from, burstSize) })
  await tell({ done: true })
})
await tell({ ready: true })
