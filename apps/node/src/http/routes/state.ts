import { z } from 'zod'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import { HttpRefusalError, failure, success } from '../answers.ts'
import { balanceOf } from '../chain/balance.ts'
import { answered, type ChainHost, chainOf } from '../chain/of-node.ts'
import { OutputScan } from '../chain/output-scan.ts'
import { address, balanceQuery, balanceView, meterName, meterView, zonesView } from '../chain/schemas.ts'
import { meterOf, zonesOf } from '../chain/zones.ts'
import type { Api } from '../server.ts'

/** The state after the head: `/state/balances/:address`, `/state/zones`, `/state/meters/:name`. */
export function stateRoutes(api: Api, node: ChainHost): void {
  // The chain is there once the node has started, which is later than this.
  const scans = new WeakMap<EnergyChain, OutputScan>()
  const scanOf = (chain: EnergyChain): OutputScan => {
    const scan = scans.get(chain) ?? new OutputScan(chain.state)
    scans.set(chain, scan)
    return scan
  }
  const failures = { 400: failure, 404: failure, 503: failure }

  const balances = {
    params: z.object({ address }),
    querystring: balanceQuery,
    response: { 200: success(balanceView), ...failures },
  }
  api.get('/state/balances/:address', { schema: balances }, async ({ params, query }) => {
    const { chain } = chainOf(node)
    return { success: true as const, data: await answered(balanceOf(chain, scanOf(chain), params.address, query)) }
  })

  api.get('/state/zones', { schema: { response: { 200: success(zonesView), ...failures } } }, async () => {
    const { chain } = chainOf(node)
    return { success: true as const, data: await answered(zonesOf(chain, scanOf(chain))) }
  })

  const meters = { params: z.object({ name: meterName }), response: { 200: success(meterView), ...failures } }
  api.get('/state/meters/:name', { schema: meters }, async ({ params: { name } }) => {
    const data = await answered(meterOf(chainOf(node).chain, name))
    if (data !== undefined) return { success: true as const, data }
    throw new HttpRefusalError(404, 'unknown-meter', `name: the chain has no meter "${name}"`)
  })
}
