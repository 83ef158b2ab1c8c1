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
  api.get('/chain/info', { schema: info }, async () => {
    const of = chainOf(node)
    return { success: true as const, data: await answered(of, describeChain(of)) }
  })

  const response = { 200: success(blockView), 400: failure, 404: failure, 503: failure }
  api.get('/block/latest', { schema: { querystring: blockQuery, response } }, async ({ query }) => {
    const of = chainOf(node)
    const found = await answered(of, blockBy(of.chain, of.chain.head.hash))
    return { success: true as const, data: describeBlock(found, of.chain, query.bytes === 'true') }
  })

  const byHash = { params: z.object({ hash }), querystring: blockQuery, response }
  api.get('/block/:hash', { schema: byHash }, async ({ params, query }) => {
    const of = chainOf(node)
    const found = await answered(of, blockBy(of.chain, params.hash))
    return { success: true as const, data: describeBlock(found, of.chain, query.bytes === 'true') }
  })

  const byHeight = { params: z.object({ height: heightText }), querystring: blockQuery, response }
  api.get('/block/height/:height', { schema: byHeight }, async ({ params, query }) => {
    const of = chainOf(node)
    const found = await answered(of, blockAt(of.chain, Number(params.height)))
    return { success: true as const, data: describeBlock(found, of.chain, query.bytes === 'true') }
  })
}
