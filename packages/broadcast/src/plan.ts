import type { BroadcastStrategy, Lane, PublishOptions } from '@gridmesh/interfaces'

/** Decides how a message spreads: as the caller says, or as its lane does. Peers that are named make it directed. */
export function strategiesOf(
  options: PublishOptions,
  byLane: Readonly<Record<Lane, readonly BroadcastStrategy[]>>,
): readonly BroadcastStrategy[] {
  const { lane = 'normal', strategy, to } = options
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
