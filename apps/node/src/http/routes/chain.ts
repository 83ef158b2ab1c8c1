import { z } from 'zod'
import { failure, success } from '../answers.ts'
import { blockAt, blockBy, describeBlock } from '../chain/blocks.ts'
import { describeChain } from '../chain/info.ts'
import { answered, type ChainHost, chainOf } from '../chain/of-node.ts'
import { blockQuery, blockView, chainInfo, hash, heightText } from '../chain/schemas.ts'
import type { Api } from '../server.ts'

/** What the chain is, and its blocks: `/chain/info`, `/block/latest`, `/block/:hash`, `/block/height/:height`. */
export function chainRoutes(api: Api, node: ChainHost): void {
  const info = { response: { 200: success(chainInfo), 404: failure, 503: failure } }
  api.get('/chain/info', { schema: info }, async () => ({
    success: true as const,
    data: await answered(describeChain(chainOf(node))),
  }))

  const response = { 200: success(blockView), 400: failure, 404: failure, 503: failure }
  api.get('/block/latest', { schema: { querystring: blockQuery, response } }, async ({ query }) => {
    const { chain } = chainOf(node)
    const found = await answered(blockBy(chain, chain.head.hash))
    return { success: true as const, data: describeBlock(found, chain, query.bytes === 'true') }
  })

  const byHash = { params: z.object({ hash }), querystring: blockQuery, response }
  api.get('/block/:hash', { schema: byHash }, async ({ params, query }) => {
    const { chain } = chainOf(node)
    const found = await answered(blockBy(chain, params.hash))
    return { success: true as const, data: describeBlock(found, chain, query.bytes === 'true') }
  })

  const byHeight = { params: z.object({ height: heightText }), querystring: blockQuery, response }
  api.get('/block/height/:height', { schema: byHeight }, async ({ params, query }) => {
    const { chain } = chainOf(node)
    const found = await answered(blockAt(chain, Number(params.height)))
    return { success: true as const, data: describeBlock(found, chain, query.bytes === 'true') }
  })
}
