/** Metrics, for Prometheus and whoever reads what it reads. */
import { z } from 'zod'
import { contentType } from '../metrics/metrics.ts'
import { type Route, route } from './route.ts'

export const metricsRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics of this node in the text format of Prometheus',
    access: 'monitor',
    status: 200,
    otherAnswers: { [contentType]: z.string() },
    headers: { 'content-type': contentType },
    handle: ({ services }) => services.metrics.text(),
  }),
]
