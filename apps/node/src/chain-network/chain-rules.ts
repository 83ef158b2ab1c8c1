import type { PoaForkChoice, PoaRulesInit } from '@gridmesh/consensus'
import type { Hello, Reason } from '@gridmesh/interfaces'
import type { NodeConfig } from '../config/schema.ts'
import { CHAIN_CAPABILITY } from './kinds.ts'

type ChainConfig = NodeConfig['chain']

/** What the capability begins with by which a node with a chain names its fork choice. */
const FORK_CHOICE = 'fork-choice:'
/** Of nodes that name none. */
const UNNAMED: PoaForkChoice = 'authority'

/** The rules of the consensus, which every node of a chain has to have the same. */
export function rulesOf({ minBlockIntervalMs, maxBlockIntervalMs, forkChoice }: ChainConfig): PoaRulesInit {
  return { minIntervalMs: minBlockIntervalMs, maxIntervalMs: maxBlockIntervalMs, forkChoice }
}

/** What a node says of its chain in the handshake. */
export function chainCapabilities({ enabled, forkChoice }: ChainConfig): string[] {
  if (!enabled) return []
  return [CHAIN_CAPABILITY, ...(forkChoice === UNNAMED ? [] : [FORK_CHOICE + forkChoice])]
}

/**
 * Judges a peer in the handshake: two nodes that choose otherwise between branches would part at the first fork. Whoever
 * keeps no chain is not concerned.
 */
export function authoriseByChain({ enabled, forkChoice }: ChainConfig, { capabilities }: Hello): true | Reason {
  if (!enabled || !capabilities.includes(CHAIN_CAPABILITY)) return true
  const theirs = capabilities.find((name) => name.startsWith(FORK_CHOICE))?.slice(FORK_CHOICE.length) ?? UNNAMED
  if (theirs === forkChoice) return true
  const message = `fork choice "${theirs}" came, "${forkChoice}" was expected`
  return { code: 'wrong-fork-choice', message, limit: 'chain.forkChoice' }
}
