import type { BuildRequest, BuiltBlock, ConsensusChain, Head, HeaderCodec } from '@gridmesh/consensus'
import type { ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import { build, type BuilderParts, headOf } from './builder.ts'
import type { Standing } from './chain-block.ts'
import { SideBlocksFullError } from './errors.ts'
import type { Mover } from './mover.ts'

/** What the consensus meets the chain by. */
export interface ConsensusChainParts extends BuilderParts {
  mover: Mover
  importBlock: (block: Uint8Array) => Promise<ImportOutcome>
  headers: HeaderCodec
  /** Our own address, hex, whose blocks are sent whatever comes. */
  address: string | undefined
  /** Where `chain:head` is told. */
  events: Pick<ConsensusChain<Standing>, 'addEventListener' | 'removeEventListener'>
}

/** The energy chain, as a consensus engine meets it. */
export class EnergyConsensusChain implements ConsensusChain<Standing> {
  readonly #parts: ConsensusChainParts

  constructor(parts: ConsensusChainParts) {
    this.#parts = parts
  }

  head(): Head<Standing> {
    return headOf(this.#parts.mover.head)
  }

  finalised(): ChainTip {
    return this.#parts.main.finalised
  }

  /** Waits while branches are switched: what the store has then is not the branch of the head. */
  async hashAt(height: number): Promise<string | undefined> {
    const { gate, main } = this.#parts
    return gate.read(async () => main.hashAt(height))
  }

  async build(request: BuildRequest<Standing>): Promise<BuiltBlock | undefined> {
    return build(request, this.#parts)
  }

  /**
   * What the engine is told is imported it passes on, and whoever brought what is refused pays for it. A block beside the
   * main chain was not executed: whoever passes it on would pay for what others find. And one whose height became final
   * on its way is late, as those of a part of the network that was cut off are, and nobody's fault. So is one of our own
   * that there is no room for beside the main chain: tried again until there is, it would keep us silent.
   */
  async importBlock(bytes: Uint8Array): Promise<ImportOutcome> {
    const { importBlock, headers, address } = this.#parts
    let outcome: ImportOutcome
    try {
      outcome = await importBlock(bytes)
    } catch (err) {
      const isOwn = err instanceof SideBlocksFullError && headers.decode(headers.ofBlock(bytes)).proposer === address
      if (isOwn) return { status: 'known' }
      throw err
    }
    if (outcome.status === 'refused') return outcome.code === 'below-finalised' ? { status: 'known' } : outcome
    if (outcome.status !== 'imported') return outcome
    const { hash, proposer } = headers.decode(headers.ofBlock(bytes))
    return outcome.tip.hash === hash || proposer === address ? outcome : { status: 'known' }
  }

  addEventListener(type: 'chain:head', listener: () => void): void {
    this.#parts.events.addEventListener(type, listener)
  }

  removeEventListener(type: 'chain:head', listener: () => void): void {
    this.#parts.events.removeEventListener(type, listener)
  }
}
