import type { GridmeshNode } from '../../node.ts'
import type { Api } from '../server.ts'

/** `GET /metrics` in the text format of Prometheus. */
export function metricsRoutes(api: Api, node: GridmeshNode): void {
  api.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(node.metrics.contentType)
    return node.metrics.scrape()
  })
}
