/** A fetch handler on a Node server, for the example alone: a real app has its framework for this. */
import { serve as listen } from '@hono/node-server'
import type { HeldWebHandler } from 'holdfast/adapters/web'

export function serve(app: HeldWebHandler): void {
  listen({ fetch: app, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }, (address) => console.log(address))
}
