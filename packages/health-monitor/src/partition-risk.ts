import type { PartitionSigns } from './index.ts'

// How far each sign alone can take the risk. Tips disagree in every fork of a moment, and views overlap little in
// every large network; peers that cannot be reached are the thing itself.
const TIP_WEIGHT = 0.8
const OVERLAP_WEIGHT = 0.5

/**
 * How likely the network is split, 0 to 1: each sign adds its part of what the others leave of certainty. Rises with
 * each sign, and is 1 where no expected peer can be reached. What is not measured adds nothing.
 */
export function partitionRisk({ unreachableShare, tipDisagreement, viewOverlap }: PartitionSigns): number {
  const reachable = 1 - share(unreachableShare, 0)
  const agreement = 1 - TIP_WEIGHT * share(tipDisagreement, 0)
  const common = 1 - OVERLAP_WEIGHT * (1 - share(viewOverlap, 1))
  return 1 - reachable * agreement * common
}

function share(value: number | undefined, unknown: number): number {
  return value === undefined || Number.isNaN(value) ? unknown : Math.min(Math.max(value, 0), 1)
}
