import { z } from 'zod'
import { energyKindNames } from '../../energy/kinds.ts'
import { zone } from '../../energy/schemas.ts'
import type { GridmeshNode } from '../../node.ts'
import { UnknownZoneError } from '../../errors.ts'
import { failure, HttpRefusalError, success } from '../answers.ts'
import { page } from '../chain/schemas.ts'
import { feedItem } from '../schemas.ts'
import type { Api } from '../server.ts'

const feedQuery = z.strictObject({
  kind: z.enum(energyKindNames).optional(),
  zone: zone.optional(),
  limit: page.limit,
})

/** `GET /feed`: the newest messages first, by kind and zone. */
export function feedRoutes(api: Api, node: GridmeshNode): void {
  const schema = {
    querystring: feedQuery,
    response: { 200: success(z.object({ items: z.array(feedItem) })), 400: failure },
  }
  api.get('/feed', { schema }, ({ query }) => {
    const { zones } = node.genesis
    if (query.zone !== undefined && !zones.has(query.zone)) {
      const { code, message } = new UnknownZoneError(query.zone, zones)
      throw new HttpRefusalError(400, code, `zone: ${message}`)
    }
    return { success: true as const, data: { items: node.feed.list(query) } }
  })
}
