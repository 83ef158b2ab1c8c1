/**
 * @packageDocumentation
 *
 * Who makes the next block, which branch to follow, and which blocks are final: the interface `ConsensusEngine`, and
 * `poa` behind it, in which known authorities take turns. It meets chain, mempool and network by small ports.
 *
 * For chains of known authorities that may crash, pause and be cut off. Not for executing, storing or carrying blocks.
 *
 * @example
 *
 * ```ts
 * import { poaRules } from '@gridmesh/consensus'
 *
 * const rules = poaRules({ maxIntervalMs: 5_000 })
 * const genesis = { height: 0, hash: '00', parent: '', timeMs: 0, proposer: '' }
 * const header = { height: 1, hash: '01', parent: '00', timeMs: 300, proposer: 'bb' }
 * const standing = rules.begin(genesis)
 * const judgement = rules.judge({ header, parent: genesis, standing, authorities: ['aa', 'bb', 'cc'] })
 * console.log(judgement.status)
 * ```
 */
export * from './constants.ts'
export type * from './engine.ts'
export { EquivocationDetector, type EquivocationDetectorInit } from './equivocation/detector.ts'
export {
  decodeEquivocation,
  encodeEquivocation,
  type Equivocation,
  type EquivocationFault,
  equivocationOf,
  verifyEquivocation,
} from './equivocation/evidence.ts'
export * from './errors.ts'
export { memoryRecord } from './memory-record.ts'
export type { PoaForkChoice } from './poa/fork-choice.ts'
export type { PoaRulesInit, PoaRulesOptions, Quorum } from './poa/options.ts'
export { poa, PoaEngine, type PoaInit } from './poa/poa.ts'
export type { Identity, PoaPorts } from './poa/ports.ts'
export { type PoaRules, poaRules } from './poa/rules.ts'
export type { PoaStanding } from './poa/standing.ts'
export { checkTurn, type CheckTurnInit, type TurnCode, type TurnRefusal } from './poa/turn.ts'
export type * from './ports.ts'
