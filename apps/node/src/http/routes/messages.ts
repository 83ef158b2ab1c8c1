import { inputs } from '../../energy/inputs.ts'
import type { EnergyKindName, EnergyValue } from '../../energy/kinds.ts'
import type { GridmeshNode } from '../../node.ts'
import { checkToken } from '../access.ts'
import { HttpRefusalError, failure, success } from '../answers.ts'
import type { Api } from '../server.ts'
import { publishedMessage } from '../schemas.ts'

/** The writing routes: `POST /orders`, `/matches`, `/market-data`, `/emergencies`, `/system-shutdowns`. */
export function messageRoutes(api: Api, node: GridmeshNode): void {
  route(api, node, '/orders', 'energy-order')
  route(api, node, '/matches', 'order-match')
  route(api, node, '/market-data', 'market-data')
  route(api, node, '/emergencies', 'grid-emergency')
  route(api, node, '/system-shutdowns', 'system-shutdown')
}

function route<K extends EnergyKindName>(api: Api, node: GridmeshNode, url: string, kind: K): void {
  const schema = {
    body: inputs[kind],
    response: { 202: success(publishedMessage), 400: failure, 401: failure, 403: failure },
  }
  api.post(
    url,
    { schema, onRequest: async (request) => checkToken(request, node.config.http) },
    async (request, reply) => {
      const { item, delivery } = await node.energy.publish(kind, request.body as EnergyValue<K>).catch(refuse)
      const peers = [...delivery.peers].map(([peer, outcome]) => [
        peer,
        outcome.status === 'dropped' ? `dropped: ${outcome.reason}` : outcome.status,
      ])
      const data = {
        item,
        delivery: { id: delivery.id, success_rate: delivery.successRate, peers: Object.fromEntries(peers) },
      }
      return reply.code(202).send({ success: true, data })
    },
  )
}

/** Turns what the energy layer refuses into an HTTP status. */
function refuse(err: unknown): never {
  if (err instanceof Error && err.name === 'NotAuthorityError') {
    throw new HttpRefusalError(403, 'not-authority', err.message)
  }
  if (err instanceof Error && err.name === 'UnknownZoneError') {
    throw new HttpRefusalError(400, 'unknown-zone', `zone: ${err.message}`)
  }
  throw err
}
