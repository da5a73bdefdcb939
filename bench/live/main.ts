/**
 * A server in a process of its own. `streams`: one event stream per request, on a store that another node shares; `flood`: an app
 * that is asked by clients without cookies. Needs `--expose-gc`.
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHoldfast, type Holdfast } from 'holdfast'
import { holdfastNode, startStream } from 'holdfast/adapters/node'
import { memoryStore } from 'holdfast/store/memory'
import { tell } from '../shared/child.ts'
import { openService, type Place } from '../stores/services.ts'

const [mode = '', place = '{}', secret = ''] = process.argv.slice(2)

async function streaming(): Promise<[Holdfast, RequestListener]> {
  const { store } = await openService(JSON.parse(place) as Place)
  const holdfast = createHoldfast({ secret, store, connections: { perSource: 1_000_000 } })
  const protect = holdfastNode(holdfast)
  return [holdfast, (request, response) => protect(request, response, () => void startStream(request, response))]
}

function flooded(): [Holdfast, RequestListener] {
  const holdfast = createHoldfast({ secret, store: memoryStore() })
  const protect = holdfastNode(holdfast)
  return [holdfast, (request, response) => protect(request, response, () => response.end('hello'))]
}

const [holdfast, listener] = mode === 'streams' ? await streaming() : flooded()
const server = createServer({ keepAliveTimeout: 60_000 }, listener)
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => tell((server.address() as AddressInfo).port))

/** In bytes, after full collections. */
function resident(): number {
  for (let collection = 0; collection < 5; collection += 1) globalThis.gc?.()
  return process.memoryUsage().rss
}

export type Question = 'resident' | 'sessions'

process.on('message', async (question: Question) => {
  tell(question === 'resident' ? resident() : (await holdfast.list({ limit: 1 })).items.length)
})
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => process.exit(0))
