import { authorityList, type Piece, StateTree, toHex } from '@gridmesh/ledger'
import { expect, it, vi } from 'vitest'
import { ProvedState } from '../../src/chain/checkpoints/proved-state.ts'
import type { ReadState } from '../../src/chain/read-state.ts'
import { checkpoint } from '../../src/sim/chain/checkpoint.ts'
import { playChainScenario } from '../../src/sim/chain/play.ts'

/** Takes pieces for true as they are. */
class TrustingState {
  readonly #tree = new StateTree()
  #list: Uint8Array = new Uint8Array()

  put({ entries }: Piece): undefined {
    this.#tree.apply(entries.map(([key, after]) => ({ key, before: undefined, after })))
    const list = entries.find(([key]) => key.byteLength === 1 && authorityList.owns(key))
    if (list !== undefined) this.#list = Uint8Array.from(list[1])
  }

  read(): ReadState {
    return { tree: this.#tree, authorities: authorityList.parse(this.#list).map(toHex) }
  }
}

it('finds a node that takes pieces of a state without proof', async () => {
  const trusting = new Map<ProvedState, TrustingState>()
  const of = (state: ProvedState): TrustingState => {
    const known = trusting.get(state) ?? new TrustingState()
    trusting.set(state, known)
    return known
  }
  vi.spyOn(ProvedState.prototype, 'put').mockImplementation(function (this: ProvedState, piece) {
    return of(this).put(piece)
  })
  vi.spyOn(ProvedState.prototype, 'whole').mockImplementation(function (this: ProvedState) {
    return of(this).read()
  })
  const { violations } = await playChainScenario(checkpoint, { seed: 6, nodes: checkpoint.nodes.least })
  vi.restoreAllMocks()
  expect(trusting.size).toBeGreaterThan(0)
  const laws = violations.map(({ invariant }) => invariant)
  // What it makes of the false state contradicts the next true block: it blames honest nodes, or fails, and gets nowhere.
  expect(laws.some((law) => ['no-honest-peer-blamed', 'chain-works'].includes(law))).toBe(true)
  expect(laws.some((law) => ['caught-up', 'by a checkpoint: agreed'].includes(law))).toBe(true)
})
