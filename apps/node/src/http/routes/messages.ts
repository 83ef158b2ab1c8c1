import type { Delivery } from '@gridmesh/interfaces'
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { inputs } from '../../energy/inputs.ts'
import { type EnergyKind, energyKinds } from '../../energy/kinds.ts'
import type { GridmeshNode } from '../../node.ts'
import { checkToken } from '../access.ts'
import { HttpRefusalError, failure, success } from '../answers.ts'
import { publishedMessage } from '../schemas.ts'
import type { Api } from '../server.ts'

/** The writing routes: `POST /orders`, `/matches`, `/market-data`, `/emergencies`, `/system-shutdowns`. */
export function messageRoutes(api: Api, node: GridmeshNode): void {
  route(api, node, '/orders', energyKinds['energy-order'], inputs['energy-order'])
  route(api, node, '/matches', energyKinds['order-match'], inputs['order-match'])
  route(api, node, '/market-data', energyKinds['market-data'], inputs['market-data'])
  route(api, node, '/emergencies', energyKinds['grid-emergency'], inputs['grid-emergency'])
  route(api, node, '/system-shutdowns', energyKinds['system-shutdown'], inputs['system-shutdown'])
}

const refusals = { 400: failure, 401: failure, 403: failure, 413: failure }

function route<T>(api: Api, node: GridmeshNode, url: string, kind: EnergyKind<T>, body: z.ZodType<T>): void {
  const schema = { body, response: { 202: success(publishedMessage), ...refusals } }
  const onRequest = async (request: FastifyRequest): Promise<void> => checkToken(request, node.config.http)
  api.post(url, { schema, onRequest }, async (request, reply) => {
    const { item, delivery } = await node.energy.publish(kind, body.parse(request.body)).catch(refuse)
    const peers = [...delivery.peers].map(([peer, outcome]) => [
      peer,
      outcome.status === 'dropped' ? `dropped: ${outcome.reason}` : outcome.status,
    ])
    return reply.code(202).send({
      success: true,
      data: {
        item,
        delivery: {
          id: delivery.id,
          reached: reachedBy(delivery),
          success_rate: delivery.peers.size === 0 ? null : delivery.successRate,
          peers: Object.fromEntries(peers),
        },
      },
    })
  })
}

/** Peers that a message was handed to, or that have it. */
function reachedBy({ peers }: Delivery): number {
  return [...peers.values()].filter(({ status }) => status !== 'dropped').length
}

/** Turns what the energy layer refuses into an HTTP status. */
function refuse(err: unknown): never {
  if (err instanceof Error && err.name === 'NotAuthorityError') {
    throw new HttpRefusalError(403, 'not-authority', err.message)
  }
  if (err instanceof Error && err.name === 'UnknownZoneError') {
    throw new HttpRefusalError(400, 'unknown-zone', `zone: ${err.message}`)
  }
  if (err instanceof Error && err.name === 'ExpiredError') {
    throw new HttpRefusalError(400, 'expired', `expiresAtMs: ${err.message}`)
  }
  // A text of control characters is six times as long in JSON.
  if (err instanceof Error && err.name === 'MessageTooLargeError') {
    throw new HttpRefusalError(413, 'message-too-large', `body: ${err.message}`)
  }
  throw err
}
