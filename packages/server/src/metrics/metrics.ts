/** The metrics of one server, as Prometheus reads them. */
import { type EventKind, eventKinds, type Holdfast } from 'holdfast'
import type { EventTrail } from 'holdfast/defence/event-trail'
import { Counter, collectDefaultMetrics, Gauge, Histogram, type MetricObject, Registry } from 'prom-client'
import type { PasswordHasher } from '../passwords/hash.ts'
import type { Webhook } from '../webhook/webhook.ts'
import { type Metric, metrics, type Sources } from './catalogue.ts'

export interface RequestLabels {
  readonly method: string
  readonly route: string
  /** `2xx`, `4xx` … */
  readonly status: string
}

export interface Described {
  readonly name: string
  readonly help: string
  readonly type: string
}

export interface Metrics {
  requestBegun(): void
  /** `seconds`: undefined for a stream, whose length says nothing about the server. */
  requestEnded(labels: RequestLabels, seconds: number | undefined): void
  /** In the text format of Prometheus. */
  text(): Promise<string>
  /** What the registry holds. */
  readonly metrics: readonly Described[]
}

export const contentType: string = Registry.PROMETHEUS_CONTENT_TYPE

/** From a check in memory to one that waits for a password to be hashed. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Gauges whose names end as counters' do; each stands under another name as well. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

let ofProcess: Registry | undefined

/** Memory, CPU, event loop: there is one process, however many servers a test starts in it. */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
    for (const name of misnamed) ofProcess.removeSingleMetric(name)
  }
  return ofProcess
}

function register(registry: Registry, name: string, { type, means, labels = [], read }: Metric, current: () => Sources): void {
  const shared = { name, help: means, labelNames: [...labels], registers: [registry] }
  if (type === 'gauge') {
    new Gauge({
      ...shared,
      collect() {
        for (const [value, given = {}] of read(current())) this.set(given, value)
      },
    })
    return
  }
  new Counter({
    ...shared,
    collect() {
      // What is read is a count already: it replaces the one before.
      this.reset()
      for (const [value, given = {}] of read(current())) this.inc(given, value)
    },
  })
}

interface Measured {
  readonly holdfast: Pick<Holdfast, 'on' | 'stats'>
  readonly passwords: Pick<PasswordHasher, 'load'>
  readonly trail: Pick<EventTrail, 'waiting' | 'lost'>
  readonly webhook: Pick<Webhook, 'stats'>
}

/** Every kind stands from the start: a rate needs its zero, and the list is closed. */
function countEvents(holdfast: Measured['holdfast']): ReadonlyMap<EventKind, number> {
  const counts = new Map(Object.keys(eventKinds).map((kind) => [kind as EventKind, 0]))
  holdfast.on(({ kind }) => counts.set(kind, (counts.get(kind) ?? 0) + 1))
  return counts
}

function described({ name, help, type }: MetricObject): Described {
  return { name, help, type: String(type) }
}

export function createMetrics({ holdfast, passwords, trail, webhook }: Measured): Metrics {
  const registry = new Registry()
  const events = countEvents(holdfast)
  const gather = (): Sources => ({ stats: holdfast.stats(), events, passwords: passwords.load(), trail, webhook: webhook.stats })
  let sources = gather()
  for (const [name, metric] of Object.entries(metrics)) register(registry, name, metric, () => sources)
  const inFlight = new Gauge({
    name: 'holdfast_http_requests_in_flight',
    help: 'Requests that wait for their answer',
    registers: [registry],
  })
  const labelNames = ['method', 'route', 'status'] as const
  const requests = new Counter({
    name: 'holdfast_http_requests_total',
    help: 'Requests by method, route and class of the status',
    labelNames,
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'holdfast_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer; streams are not counted',
    labelNames,
    buckets: latencyBuckets,
    registers: [registry],
  })
  const both = () => Registry.merge([registry, processRegistry()])
  return {
    requestBegun: () => inFlight.inc(),
    requestEnded(labels, seconds) {
      inFlight.dec()
      requests.inc({ ...labels })
      if (seconds !== undefined) duration.observe({ ...labels }, seconds)
    },
    text() {
      sources = gather()
      return both().metrics()
    },
    get metrics() {
      return both().getMetricsAsArray().map(described)
    },
  }
}
