import { MAX_TRANSACTION_BYTES } from '@gridmesh/ledger'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { checkToken } from '../access.ts'
import { failure, success } from '../answers.ts'
import { answered, type ChainHost, chainOf, failureOf } from '../chain/of-node.ts'
import { hash, mempoolView, page, sentTransaction, transactionBody, transactionView } from '../chain/schemas.ts'
import { bytesOf, describeMempool, findTransaction, taken } from '../chain/transactions.ts'
import type { Api } from '../server.ts'

/** The longest body there is: a transaction in hex, and room for what is around it. */
const BODY_BYTES = 2 * MAX_TRANSACTION_BYTES + 1_024

/** Transactions: `POST /transaction`, `GET /transaction/:hash`, `GET /mempool`. */
export function transactionRoutes(api: Api, node: ChainHost): void {
  const sent = { 202: success(sentTransaction), 400: failure, 401: failure, 404: failure, 409: failure }
  const schema = { body: transactionBody, response: { ...sent, 422: failure, 503: failure } }
  const onRequest = async (request: FastifyRequest): Promise<void> => checkToken(request, node.config.http)
  const bodyLimit = Math.max(BODY_BYTES, node.config.http.maxBodyBytes)
  api.post('/transaction', { schema, onRequest, bodyLimit }, async (request, reply) => {
    const chain = chainOf(node)
    const fault = failureOf(chain)
    if (fault !== undefined) throw fault
    const data = taken(await answered(chain, chain.submit(bytesOf(request.body.bytes))))
    return reply.code(202).send({ success: true, data })
  })

  const found = { 200: success(transactionView), 400: failure, 404: failure, 503: failure }
  api.get('/transaction/:hash', { schema: { params: z.object({ hash }), response: found } }, async ({ params }) => {
    const chain = chainOf(node)
    return { success: true as const, data: await answered(chain, findTransaction(chain.chain, params.hash)) }
  })

  const held = { 200: success(mempoolView), 400: failure, 404: failure }
  api.get('/mempool', { schema: { querystring: z.strictObject(page), response: held } }, ({ query }) => ({
    success: true as const,
    data: describeMempool(chainOf(node).chain, query),
  }))
}
