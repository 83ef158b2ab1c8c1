import { z } from 'zod'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import { HttpRefusalError, failure, success } from '../answers.ts'
import { balanceOf } from '../chain/balance.ts'
import { answered, type ChainHost, chainOf } from '../chain/of-node.ts'
import { OutputScan } from '../chain/output-scan.ts'
import { OwnedOutputs } from '../chain/owned-outputs.ts'
import { address, balanceQuery, balanceView, meterName, meterView, zonesView } from '../chain/schemas.ts'
import { meterOf, zonesOf } from '../chain/zones.ts'
import type { Api } from '../server.ts'

/** The state after the head: `/state/balances/:address`, `/state/zones`, `/state/meters/:name`. */
export function stateRoutes(api: Api, node: ChainHost): void {
  // The chain is there once the node has started, which is later than this.
  const readers = new WeakMap<EnergyChain, { scan: OutputScan; owned: OwnedOutputs }>()
  const readersOf = (chain: EnergyChain): { scan: OutputScan; owned: OwnedOutputs } => {
    const known = readers.get(chain)
    if (known !== undefined) return known
    const scan = new OutputScan(chain.state)
    const made = { scan, owned: new OwnedOutputs(chain, scan) }
    readers.set(chain, made)
    return made
  }
  const failures = { 400: failure, 404: failure, 503: failure }

  const balances = {
    params: z.object({ address }),
    querystring: balanceQuery,
    response: { 200: success(balanceView), ...failures },
  }
  api.get('/state/balances/:address', { schema: balances }, async ({ params, query, signal }) => {
    const of = chainOf(node)
    const { owned } = readersOf(of.chain)
    const asking = balanceOf(of.chain, owned, params.address, query, { signal })
    return { success: true as const, data: await answered(of, asking) }
  })

  api.get('/state/zones', { schema: { response: { 200: success(zonesView), ...failures } } }, async ({ signal }) => {
    const of = chainOf(node)
    const asking = zonesOf(of.chain, readersOf(of.chain).scan, { signal })
    return { success: true as const, data: await answered(of, asking) }
  })

  const meters = { params: z.object({ name: meterName }), response: { 200: success(meterView), ...failures } }
  api.get('/state/meters/:name', { schema: meters }, async ({ params: { name } }) => {
    const of = chainOf(node)
    const data = await answered(of, meterOf(of.chain, name))
    if (data !== undefined) return { success: true as const, data }
    throw new HttpRefusalError(404, 'unknown-meter', `name: the chain has no meter "${name}"`)
  })
}
