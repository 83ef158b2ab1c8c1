import { z } from 'zod'
import { energyKindNames } from '../../energy/kinds.ts'
import { zone } from '../../energy/schemas.ts'
import type { GridmeshNode } from '../../node.ts'
import { success } from '../answers.ts'
import { page } from '../chain/schemas.ts'
import { feedItem } from '../schemas.ts'
import type { Api } from '../server.ts'

const query = z.strictObject({
  kind: z.enum(energyKindNames).optional(),
  zone: zone.optional(),
  limit: page.limit,
})

/** `GET /feed`: the newest messages first, by kind and zone. */
export function feedRoutes(api: Api, node: GridmeshNode): void {
  const schema = { querystring: query, response: { 200: success(z.object({ items: z.array(feedItem) })) } }
  api.get('/feed', { schema }, (request) => ({
    success: true as const,
    data: { items: node.feed.list(request.query) },
  }))
}
