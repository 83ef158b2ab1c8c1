import type { ChainTip } from '@gridmesh/interfaces'
import { TypedEventEmitter } from 'main-event'
import { checkWhole } from '../checks.ts'
import { DEFAULT_BUILD_DEADLINE_MS, DEFAULT_MAX_BLOCK_BYTES, MAX_INTERVAL_MS } from '../constants.ts'
import type { ConsensusEngine, ConsensusEvents, EngineFault, EngineMessage, Reception } from '../engine.ts'
import { EquivocationDetector, type EquivocationDetectorInit } from '../equivocation/detector.ts'
import {
  decodeEquivocation,
  encodeEquivocation,
  type Equivocation,
  MAX_EVIDENCE_BYTES,
} from '../equivocation/evidence.ts'
import { AuthoritySet } from './authority-set.ts'
import type { PoaPorts } from './ports.ts'
import { Proposer } from './proposer.ts'
import type { PoaRules } from './rules.ts'
import type { PoaStanding } from './standing.ts'

/** Options of one node's engine. */
export interface PoaInit extends EquivocationDetectorInit {
  /** Time to build a block, in ms, from 1; then the build is given up, and tried again later. @default 5_000 */
  buildDeadlineMs?: number
  /** Longest block that is taken from the network, in bytes, from 1. @default 1_000_000 */
  maxBlockBytes?: number
}

/** Proof of authority, running. */
export class PoaEngine extends TypedEventEmitter<ConsensusEvents> implements ConsensusEngine<PoaStanding> {
  readonly rules: PoaRules
  readonly messages: readonly EngineMessage[]
  readonly #ports: PoaPorts
  readonly #maxBlockBytes: number
  readonly #detector: EquivocationDetector
  readonly #proposer: Proposer | undefined
  #finalised: ChainTip | undefined
  #settling: Promise<void> = Promise.resolve()
  #isSettling = false
  #isStarted = false
  #changing: Promise<void> = Promise.resolve()

  /** @throws {RangeError} when an option is out of its range */
  constructor(ports: PoaPorts, init: PoaInit = {}) {
    super()
    const { buildDeadlineMs = DEFAULT_BUILD_DEADLINE_MS, maxBlockBytes = DEFAULT_MAX_BLOCK_BYTES } = init
    checkWhole('buildDeadlineMs', buildDeadlineMs, 1, MAX_INTERVAL_MS)
    checkWhole('maxBlockBytes', maxBlockBytes, 1, 2 ** 31 - 1)
    this.#ports = ports
    this.rules = ports.rules
    this.#maxBlockBytes = maxBlockBytes
    this.messages = [
      { kind: 'block', lane: 'high', maxBytes: maxBlockBytes },
      { kind: 'equivocation', lane: 'high', maxBytes: MAX_EVIDENCE_BYTES },
    ]
    this.#detector = new EquivocationDetector(ports.headers, init)
    const { identity } = ports
    if (identity === undefined) return
    this.#proposer = new Proposer(ports, identity, buildDeadlineMs, {
      onImported: (block) => this.#onImported(block),
      onFault: (during, error) => this.#fault(during, error),
    })
  }

  get finalised(): ChainTip {
    return this.#finalised ?? this.#ports.chain.finalised()
  }

  /** Headers kept to compare others with. */
  get observed(): number {
    return this.#detector.size
  }

  async start(): Promise<void> {
    return this.#change(async () => {
      if (this.#isStarted) return
      this.#finalised ??= this.#ports.chain.finalised()
      await this.#proposer?.start()
      this.#isStarted = true
      this.#ports.chain.addEventListener('chain:head', this.#onHead)
      this.#onHead()
    })
  }

  async stop(): Promise<void> {
    return this.#change(async () => {
      if (!this.#isStarted) return
      this.#isStarted = false
      this.#ports.chain.removeEventListener('chain:head', this.#onHead)
      await this.#proposer?.stop()
      await this.#settling
    })
  }

  async receive(kind: string, bytes: Uint8Array): Promise<Reception> {
    if (kind === 'block') return this.#receiveBlock(bytes)
    if (kind === 'equivocation') return this.#receiveEvidence(bytes)
    throw new RangeError(`kind ${kind} is neither 'block' nor 'equivocation'`)
  }

  observe(header: Uint8Array): void {
    const { header: head, authorities } = this.#ports.chain.head()
    const found = this.#detector.observe(header, AuthoritySet.of(authorities), head.height)
    if (found === undefined) return
    this.safeDispatchEvent('consensus:equivocation', { detail: found })
    this.#publishEvidence(found)
  }

  /** One after the other, whoever calls. */
  async #change(step: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(step)
    this.#changing = done.catch(() => undefined)
    return done
  }

  #onImported(block: Uint8Array): void {
    const bytes = this.#ports.headers.ofBlock(block)
    const { height, hash } = this.#ports.headers.decode(bytes)
    this.safeDispatchEvent('consensus:proposed', { detail: { height, hash } })
    // Our own count too: another with our key would show by them.
    this.observe(bytes)
  }

  readonly #onHead = (): void => {
    // One at a time, and the next one begins with the newest head.
    if (this.#isSettling) return
    this.#settling = this.#settle()
  }

  async #settle(): Promise<void> {
    this.#isSettling = true
    try {
      for (;;) {
        const { header, standing } = this.#ports.chain.head()
        const height = this.rules.finalHeight(standing)
        if (height <= this.finalised.height) return
        const hash = await this.#ports.chain.hashAt(height)
        // The answer may be of a branch that came meanwhile.
        if (this.#ports.chain.head().header.hash !== header.hash) continue
        if (hash === undefined) return
        this.#finalised = { height, hash }
        this.safeDispatchEvent('consensus:final', { detail: { block: this.#finalised } })
        // Nothing is built on what is below any more.
        await this.#ports.identity?.record.forgetBelow(height)
      }
    } catch (error) {
      this.#fault('finalise', error)
    } finally {
      this.#isSettling = false
    }
  }

  async #receiveBlock(bytes: Uint8Array): Promise<Reception> {
    if (bytes.byteLength > this.#maxBlockBytes) {
      return reject('too-large', `${bytes.byteLength} bytes, and ${this.#maxBlockBytes} are the most`)
    }
    let header: Uint8Array
    try {
      header = this.#ports.headers.ofBlock(bytes)
    } catch (error) {
      return reject('malformed', error instanceof Error ? error.message : String(error))
    }
    // Before the import: a block that the chain refuses may be evidence all the same.
    this.observe(header)
    const outcome = await this.#ports.chain.importBlock(bytes)
    if (outcome.status === 'imported') return { verdict: 'accept' }
    if (outcome.status === 'known') return { verdict: 'ignore', code: 'known' }
    if (outcome.status === 'unknown-parent') return this.#receiveOrphan(header, outcome.parent)
    const { code, message } = outcome
    // A clock that is not quite ours is nobody's fault.
    return { verdict: code === 'time-ahead' ? 'ignore' : 'reject', code, message }
  }

  /** Only what an authority signed is worth fetching the parent of: anybody else could make up such blocks for ever. */
  #receiveOrphan(header: Uint8Array, unknownParent: string): Reception {
    const { headers, chain } = this.#ports
    const { proposer } = headers.decode(header)
    const orphan = { verdict: 'ignore', code: 'unknown-parent' } as const
    if (!AuthoritySet.of(chain.head().authorities).has(proposer)) return orphan
    if (!headers.verify(header)) return reject('invalid-signature', `the signature of ${proposer} does not hold`)
    return { ...orphan, unknownParent }
  }

  #receiveEvidence(bytes: Uint8Array): Reception {
    const found = decodeEquivocation(bytes, this.#ports.headers)
    if (typeof found === 'string') return reject(found, 'this is no evidence of an equivocation')
    const head = this.#ports.chain.head()
    const authorities = AuthoritySet.of(head.authorities)
    if (!authorities.has(found.proposer)) return { verdict: 'ignore', code: 'not-authority' }
    const look = (header: Uint8Array): boolean =>
      this.#detector.observe(header, authorities, head.header.height) !== undefined
    // Or so far from the head that it is not kept.
    if (!found.headers.some(look)) return { verdict: 'ignore', code: 'known' }
    this.safeDispatchEvent('consensus:equivocation', { detail: found })
    return { verdict: 'accept' }
  }

  #publishEvidence(found: Equivocation): void {
    this.#ports.network
      .publish('equivocation', encodeEquivocation(found))
      .catch((error: unknown) => this.#fault('publish', error))
  }

  #fault(during: EngineFault['during'], error: unknown): void {
    this.safeDispatchEvent('consensus:fault', { detail: { during, error } })
  }
}

function reject(code: string, message: string): Reception {
  return { verdict: 'reject', code, message }
}

/** Makes the engine of a node. It does nothing until it is started. @throws {RangeError} when an option is out of its range */
export function poa(ports: PoaPorts, init: PoaInit = {}): PoaEngine {
  return new PoaEngine(ports, init)
}
