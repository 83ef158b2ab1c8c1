import type { BroadcastStrategy, Lane, PublishOptions } from '@gridmesh/interfaces'

const STRATEGIES: readonly BroadcastStrategy[] = ['gossip', 'flood', 'tree', 'directed']

/**
 * Makes sure that there is a strategy of that name: a message would go to nobody, and count as delivered to all of them.
 * @throws {RangeError}
 */
export function demandStrategy(name: string, strategy: BroadcastStrategy): void {
  if (!STRATEGIES.includes(strategy))
    throw new RangeError(`${name} ${strategy} must be one of ${STRATEGIES.join(', ')}`)
}

/** Decides how a message spreads: as the caller says, or as its lane does. Peers that are named make it directed. */
export function strategiesOf(
  options: PublishOptions,
  byLane: Readonly<Record<Lane, readonly BroadcastStrategy[]>>,
): readonly BroadcastStrategy[] {
  const { lane = 'normal', strategy, to } = options
  if (!Object.hasOwn(byLane, lane))
    throw new RangeError(`lane ${lane} must be one of ${Object.keys(byLane).join(', ')}`)
  if (strategy !== undefined) demandStrategy('strategy', strategy)
  if (to !== undefined) {
    // To send to others than the caller named could tell a secret.
    if (strategy !== undefined && strategy !== 'directed') {
      throw new TypeError(`to is for directed publishes, and the strategy is ${strategy}`)
    }
    return ['directed']
  }
  const strategies = strategy === undefined ? byLane[lane] : [strategy]
  if (strategies.includes('directed')) throw new TypeError('a directed publish needs its peers in to, and has none')
  return strategies
}
