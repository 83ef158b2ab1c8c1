import {
  type ConsensusEngine,
  type Equivocation,
  memoryRecord,
  poa,
  type PoaForkChoice,
  type PoaRules,
  poaRules,
  type PoaStanding,
  type Quorum,
  type SigningRecord,
} from '../src/index.ts'
import { codec, signerOf } from './blocks.ts'
import { SimChain } from './sim-chain.ts'

export const RULES = { minIntervalMs: 300, maxIntervalMs: 2_000, fallbackMs: 600, maxClockAheadMs: 300 }
const SAVE_MS = 5

const later = async (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** What a node has of the network. */
interface SimNet {
  readonly authorities: readonly string[]
  readonly quorum: Quorum
  readonly forkChoice: PoaForkChoice
  publish(from: SimNode, kind: string, bytes: Uint8Array): Promise<void>
  onFinal(node: SimNode, height: number): void
  onViolation(error: unknown): void
}

/** One node: its disk outlives a crash, its engine does not. */
export class SimNode {
  readonly address: string
  readonly chain: SimChain
  readonly #net: SimNet
  readonly #record: SigningRecord = memoryRecord()
  readonly #rules: PoaRules
  readonly #nowMs: () => number
  engine: ConsensusEngine<PoaStanding> | undefined
  /** Whether the engine that runs may still do anything. */
  #life = { isOver: true }
  /** Headers that came, by place. */
  readonly seen = new Map<string, Set<string>>()
  readonly found: Equivocation[] = []
  movedAtMs = 0

  constructor(net: SimNet, address: string, skewMs: number, index: number) {
    this.#net = net
    this.address = address
    this.#nowMs = () => Date.now() + skewMs
    this.#rules = poaRules({ ...RULES, quorum: net.quorum, forkChoice: net.forkChoice })
    this.chain = new SimChain(this.#rules, net.authorities, this.#nowMs, `${index}`)
    this.chain.onImport = (_, bytes) => this.see(bytes)
    this.chain.addEventListener('chain:head', () => (this.movedAtMs = Date.now()))
  }

  get isUp(): boolean {
    return this.engine !== undefined
  }

  see(bytes: Uint8Array): void {
    if (!this.isUp) return
    const { proposer, height, parent, hash } = codec.decode(bytes)
    const place = `${proposer}/${height}/${parent}`
    this.seen.set(place, (this.seen.get(place) ?? new Set()).add(hash))
    this.engine?.observe(bytes)
  }

  async start(): Promise<void> {
    const life = { isOver: false }
    this.#life = life
    this.movedAtMs = Date.now()
    // What a dead process asked for never comes back.
    const alive = async <T>(work: () => Promise<T>): Promise<T> =>
      life.isOver ? new Promise<T>(() => undefined) : work()
    const record: SigningRecord = {
      load: async () => this.#record.load(),
      has: async (slot) => alive(async () => this.#record.has(slot)),
      forgetBelow: async (height) => alive(async () => this.#record.forgetBelow(height)),
      save: async (slot, state) => {
        await later(SAVE_MS)
        await alive(async () => this.#record.save(slot, state))
        await later(SAVE_MS)
        await alive(async () => Promise.resolve())
      },
    }
    const { chain } = this
    const port = {
      head: () => chain.head(),
      finalised: () => chain.finalised(),
      hashAt: async (height: number) => alive(async () => chain.hashAt(height)),
      build: async (request: Parameters<SimChain['build']>[0]) => alive(async () => chain.build(request)),
      importBlock: async (bytes: Uint8Array) => alive(async () => chain.importBlock(bytes)),
      addEventListener: chain.addEventListener.bind(chain),
      removeEventListener: chain.removeEventListener.bind(chain),
    }
    const engine = poa({
      rules: this.#rules,
      chain: port,
      mempool: chain.mempool,
      headers: codec,
      clock: { nowMs: this.#nowMs },
      identity: { signer: signerOf(this.address), record },
      network: { publish: async (kind, bytes) => alive(async () => this.#net.publish(this, kind, bytes)) },
    })
    engine.addEventListener('consensus:final', ({ detail }) => this.#net.onFinal(this, detail.block.height))
    engine.addEventListener('consensus:equivocation', ({ detail }) => this.found.push(detail))
    engine.addEventListener('consensus:fault', ({ detail }) => this.#net.onViolation(detail.error))
    // What the memory held is gone with the process that held it.
    this.seen.clear()
    this.found.length = 0
    this.engine = engine
    await engine.start()
  }

  /** Ends in the middle of whatever it does. */
  crash(): void {
    this.#life.isOver = true
    // Only so that its timers are gone: nothing that it does reaches anything.
    this.engine?.stop().catch(() => undefined)
    this.engine = undefined
  }

  async stop(): Promise<void> {
    await this.engine?.stop()
    this.engine = undefined
    this.#life.isOver = true
  }
}
