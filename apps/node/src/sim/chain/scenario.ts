import type { PoaInit, PoaRulesInit } from '@gridmesh/consensus'
import type { ChainStage } from './stage.ts'

/** How a node of another version differs from ours. */
export type Version =
  /** Keeps no chain, and does not say that it did. */
  | 'without-chain'
  /** Knows blocks, transactions, statuses and how to ask for blocks, and nothing else. */
  | 'few-kinds'
  /** Tells its status in a form that we do not know. */
  | 'other-status'
  /** Sends and asks for what we have never heard of. */
  | 'more-kinds'

/** How a node lies. */
export type LieName =
  | 'false-block'
  | 'withheld-body'
  | 'endless-headers'
  | 'false-height'
  | 'old-tip'
  | 'false-checkpoint'
  | 'false-piece'
  | 'withheld-piece'

/** Who is who in a scenario of the chain: the first nodes are honest, the last ones lie. */
export interface ChainCast {
  readonly nodes: number
  readonly honest: number
}

/** A network of nodes with the energy chain, what goes wrong with it, and what holds all the same. */
export interface ChainScenario {
  /** Kebab-case, beginning with `chain-`. */
  readonly name: string
  /** One line: what goes wrong, and what must hold. */
  readonly about: string
  readonly nodes: { readonly usual: number; readonly least: number }
  /** How many of the nodes lie. @default none */
  readonly liars?: (nodes: number) => number
  /** How a node lies that is one of the last. */
  lie?(cast: ChainCast, index: number): LieName
  /** Numbers of the nodes that are authorities. @default the first three */
  authorities?(cast: ChainCast): readonly number[]
  /** How a node differs that is of another version. @default it is of ours */
  version?(cast: ChainCast, index: number): Version | undefined
  /** Whether disks lose what is not synced when a node crashes. @default false */
  readonly hasDisks?: boolean
  /** Blocks from one state that nodes give to others to the next; who is half of it behind takes one. @default none */
  readonly checkpointsEvery?: number
  /** What is different from the rules that let blocks come fast. */
  readonly consensus?: PoaRulesInit & PoaInit
  play(stage: ChainStage): Promise<void>
}
