import type { NodeChain } from '../../chain-network/node-chain.ts'
import type { NodeConfig } from '../../config/schema.ts'
import { HttpRefusalError } from '../answers.ts'

/** What the routes of the chain need of a node. */
export interface ChainHost {
  readonly chain: NodeChain | undefined
  readonly config: { readonly http: NodeConfig['http'] }
}

/** The chain of a node. @throws {HttpRefusalError} where it has none */
export function chainOf({ chain }: ChainHost): NodeChain {
  if (chain !== undefined) return chain
  const message =
    'This node has no chain; set chain.enabled to true, with a genesis file that has a time, and start it anew'
  throw new HttpRefusalError(404, 'no-chain', message)
}

/** Errors of a chain that is going down or has failed: it is no fault of who asks. */
const GONE: ReadonlySet<string> = new Set([
  'ChainFailedError',
  'ChainStoppedError',
  'StoreClosedError',
  'StoreFailedError',
])

/** Waits for an answer of a chain; that it has failed, or gone, is told as such. @throws {HttpRefusalError} */
export async function answered<T>(chain: Pick<NodeChain, 'failure'>, asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (err) {
    if (!(err instanceof Error && GONE.has(err.name))) throw err
    throw failureOf(chain) ?? new HttpRefusalError(503, 'chain-gone', err.message)
  }
}

/** Why a chain takes nothing, where it has failed. */
export function failureOf({ failure }: Pick<NodeChain, 'failure'>): HttpRefusalError | undefined {
  if (failure === undefined) return undefined
  return new HttpRefusalError(503, 'chain-failed', `The chain failed: ${failure.message}`)
}
