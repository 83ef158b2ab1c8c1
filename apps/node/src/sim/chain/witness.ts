import type { PeerManager, ReportClass } from '@gridmesh/interfaces'
import { decodeHeader, toHex } from '@gridmesh/ledger'
import type { ChainService } from '../../chain-network/chain-service.ts'

/** Headers read at once. */
const HEADERS = 1_000
/** Faults that are kept until somebody wants them. */
const MAX_FAULTS = 100
/** What an honest node may not be blamed for. */
const LIES: ReadonlySet<ReportClass> = new Set<ReportClass>(['protocol-violation', 'invalid-message'])

/** What the witness knows of the network. */
export interface WitnessInit {
  /** The number of the honest node with this peer id, if it is one. */
  honestIndexOf(peer: string): number | undefined
  /** Addresses of the authorities that are honest. */
  readonly honestAuthorities: ReadonlySet<string>
  readonly nowMs: () => number
  /** A law does not hold. */
  note(law: string, message: string): void
}

/** A report that an honest node made of one that is not. */
export interface Blame {
  readonly by: number
  readonly peer: string
  readonly class: ReportClass
  readonly evidence: string
}

/** What a node told of its chain. */
interface Told {
  head: { height: number; hash: string }
  final: number
  /** Hashes of its branch, by height. */
  readonly branch: string[]
  /** Whether it had blocks beside its branch, so that it may have been on its way to another one. */
  hasSides: () => boolean
}

/** Listens to the honest nodes, and finds what contradicts what was said before. Outlives them. */
export class Witness {
  readonly blames: Blame[] = []
  /** When each transaction came into a block of each node, by id. */
  readonly included = new Map<string, Map<number, number>>()
  /** Nodes that took the state of others, and so were told of no block before it. */
  readonly tookState = new Set<number>()
  reorgs = 0
  deepestReorg = 0
  readonly #init: WitnessInit
  readonly #told = new Map<number, Told>()
  readonly #finals: string[] = []

  constructor(init: WitnessInit) {
    this.#init = init
  }

  /** A chain was opened, at first or again: what its node told before has to be there. */
  async opened(node: number, service: ChainService): Promise<void> {
    const { chain } = service
    const before = this.#told.get(node)
    const branch = [chain.chainId]
    while (branch.length <= chain.head.height) {
      const headers = await chain.backend.headers(branch.length, HEADERS)
      if (headers.length === 0) break
      branch.push(...headers.map((header) => toHex(decodeHeader(header).hash)))
    }
    if (before !== undefined) this.#compare(node, before, branch, chain.finalised.height)
    const hasSides = (): boolean => chain.stats().sideBlocks > 0
    this.#told.set(node, { head: chain.head, final: 0, branch, hasSides })
    this.#final(node, chain.finalised.height)
    this.#listen(node, service)
  }

  /** A node lost its disk, and begins anew. */
  forget(node: number): void {
    this.#told.delete(node)
  }

  /** Listens to whom a node blames. */
  watch(node: number, peerManager: PeerManager): void {
    peerManager.addEventListener('peer:report', ({ detail: { peer, report } }) => {
      if (!LIES.has(report.class)) return
      const { class: blamed, evidence = '' } = report
      const honest = this.#init.honestIndexOf(peer.toString())
      if (honest === undefined) this.blames.push({ by: node, peer: peer.toString(), class: blamed, evidence })
      else this.#note('no-honest-peer-blamed', `Node ${node} reports honest node ${honest} for ${blamed}: ${evidence}`)
    })
  }

  #compare(node: number, { head, final, branch: told, hasSides }: Told, branch: readonly string[], at: number): void {
    const wasSwitching = hasSides()
    if (branch[head.height] !== head.hash && !wasSwitching) {
      const what = `told of block ${head.height}, ${head.hash}, and opens at ${branch.length - 1} without it`
      this.#note('nothing-acknowledged-lost', `Node ${node} ${what}`)
    }
    if (at < final) this.#note('nothing-final-lost', `Node ${node} told of final block ${final}, and opens with ${at}`)
    const other = told.slice(0, final + 1).findIndex((hash, height) => branch[height] !== hash)
    if (other !== -1) this.#note('nothing-final-lost', `Node ${node} opens with another block at final height ${other}`)
  }

  #listen(node: number, { chain }: ChainService): void {
    const told = this.#told.get(node)
    if (told === undefined) return
    const { honestAuthorities, nowMs } = this.#init
    chain.addEventListener('chain:block', ({ detail: { header, transactions } }) => {
      told.branch[header.height] = toHex(header.hash)
      told.branch.length = header.height + 1
      for (const { id } of transactions) this.#include(toHex(id), node, nowMs())
    })
    chain.addEventListener('chain:head', ({ detail }) => {
      // No block was told of: it went to a state that it took.
      if (told.branch[detail.height] !== detail.hash) {
        this.tookState.add(node)
        told.branch.length = 0
        told.branch[detail.height] = detail.hash
      }
      told.head = detail
    })
    chain.addEventListener('chain:final', ({ detail }) => this.#final(node, detail.height))
    chain.addEventListener('chain:reorg', ({ detail: { reverted } }) => {
      this.reorgs += 1
      this.deepestReorg = Math.max(this.deepestReorg, reverted.length)
    })
    chain.addEventListener('chain:failed', ({ detail }) => {
      this.#note('chain-works', `The chain of node ${node} failed: ${textOf(detail.cause ?? detail)}`)
    })
    chain.engine.addEventListener('consensus:equivocation', ({ detail: { proposer, height } }) => {
      if (!honestAuthorities.has(proposer)) return
      this.#note('nothing-signed-twice', `Node ${node} has two blocks of height ${height} of honest ${proposer}`)
    })
  }

  #final(node: number, height: number): void {
    const told = this.#told.get(node)
    if (told === undefined) return
    if (height < told.final) this.#note('final-stays', `Node ${node} goes back from final ${told.final} to ${height}`)
    for (let at = told.final; at <= height; at++) {
      const hash = told.branch[at] ?? ''
      // Below a state that it took it was told of none.
      if (hash === '' && this.tookState.has(node)) continue
      const other = (this.#finals[at] ??= hash)
      if (hash === other) continue
      this.#note('one-final-block', `Node ${node} has ${hash} as final block ${at}, and another one has ${other}`)
    }
    told.final = Math.max(told.final, height)
  }

  #include(id: string, node: number, atMs: number): void {
    const nodes = this.included.get(id) ?? new Map<number, number>()
    this.included.set(id, nodes)
    if (!nodes.has(node)) nodes.set(node, atMs)
  }

  #note(law: string, message: string): void {
    this.#init.note(law, message)
  }
}

function textOf(err: unknown): string {
  return err instanceof Error ? `${err.name}: ${err.message}` : typeof err
}

/** Keeps faults until there is somebody to tell them to. */
export class Faults {
  readonly #waiting: [string, string][] = []
  #tell: ((law: string, message: string) => void) | undefined

  readonly note = (law: string, message: string): void => {
    if (this.#tell !== undefined) this.#tell(law, message)
    else if (this.#waiting.length < MAX_FAULTS) this.#waiting.push([law, message])
  }

  attach(tell: (law: string, message: string) => void): void {
    this.#tell = tell
    for (const [law, message] of this.#waiting.splice(0)) tell(law, message)
  }
}
