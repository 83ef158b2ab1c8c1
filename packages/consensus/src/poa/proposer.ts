import { Alarm } from '../alarm.ts'
import { buildWithin } from '../build-within.ts'
import type { EngineFault } from '../engine.ts'
import { ProposalError } from '../errors.ts'
import type { BuiltBlock, Head } from '../ports.ts'
import { AuthoritySet } from './authority-set.ts'
import type { Identity, PoaPorts } from './ports.ts'
import { dueAt, isAwaited, isInHurry, type Turn } from './schedule.ts'
import { decodeSigningState, encodeSigningState, type SigningState } from './signing-state.ts'
import type { PoaStanding } from './standing.ts'
import { isInTurn } from './turn.ts'
import { type Commitment, lockFor } from './votes.ts'

type PoaHead = Head<PoaStanding>

/** Whom a proposer tells. */
export interface ProposerListener {
  /** A block of ours is recorded and with the chain, and is sent next. */
  onImported(block: Uint8Array): void
  onFault(during: EngineFault['during'], error: unknown): void
}

/** Makes the blocks of one authority, one head after the other. */
export class Proposer {
  readonly #ports: PoaPorts
  readonly #identity: Identity
  readonly #buildDeadlineMs: number
  readonly #listener: ProposerListener
  readonly #alarm = new Alarm()
  #commitment: Commitment = {}
  /** A block that is recorded, and may not be with the chain yet. */
  #unsent: Uint8Array | undefined
  #round = new AbortController()
  /** Transactions that came to wait, ever. */
  #arrivals = 0
  #isStopped = true
  #running: Promise<void> = Promise.resolve()

  constructor(ports: PoaPorts, identity: Identity, buildDeadlineMs: number, listener: ProposerListener) {
    this.#ports = ports
    this.#identity = identity
    this.#buildDeadlineMs = buildDeadlineMs
    this.#listener = listener
  }

  /** @throws {CorruptRecordError} */
  async start(): Promise<void> {
    const saved = await this.#identity.record.load()
    const { block, ...commitment }: SigningState = saved === undefined ? {} : decodeSigningState(saved)
    this.#commitment = commitment
    this.#isStopped = false
    this.#ports.chain.addEventListener('chain:head', this.#onHead)
    this.#ports.mempool.addEventListener('transaction:added', this.#onTransaction)
    this.#unsent = block
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#ports.chain.removeEventListener('chain:head', this.#onHead)
    this.#ports.mempool.removeEventListener('transaction:added', this.#onTransaction)
    this.#round.abort()
    await this.#running
  }

  readonly #onHead = (): void => this.#round.abort()

  readonly #onTransaction = (): void => {
    this.#arrivals += 1
    this.#alarm.ring()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.#round = new AbortController()
      const { signal } = this.#round
      await this.#guard(signal, async () => {
        await this.#send()
        await this.#play(signal)
      })
      // What failed is not tried again at once, whatever transactions come: nobody rings this one.
      await new Alarm().wait(this.#ports.rules.options.fallbackMs, signal)
    }
  }

  async #guard(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const isCancelled = signal.aborted && error instanceof ProposalError && error.code === 'cancelled'
      if (!isCancelled) this.#listener.onFault('propose', error)
    }
  }

  /** Hands over what is recorded: after a crash or a failure too, since no other may be made in its place. */
  async #send(): Promise<void> {
    const block = this.#unsent
    if (block === undefined) return
    const outcome = await this.#ports.chain.importBlock(block)
    // Time cures that one, as after a clock that was set back. Until another block comes we may make no other here.
    const isEarly = outcome.status === 'refused' && outcome.code === 'time-ahead' && this.#isOnHead(block)
    if (!isEarly) this.#unsent = undefined
    if (outcome.status === 'refused') throw new ProposalError('refused-by-own-chain', outcome.message)
    // The chain was durable up to there when the block was signed. Nothing is signed in its place until it is there again.
    if (outcome.status === 'unknown-parent') throw new ProposalError('parent-lost', this.#lost(block))
    if (outcome.status === 'imported') this.#listener.onImported(block)
    // A known one too: the crash may have come between the two.
    this.#ports.network.publish('block', block).catch((error: unknown) => this.#listener.onFault('publish', error))
  }

  #isOnHead(block: Uint8Array): boolean {
    const { headers, chain } = this.#ports
    return headers.decode(headers.ofBlock(block)).parent === chain.head().header.hash
  }

  #lost(block: Uint8Array): string {
    const { headers, chain } = this.#ports
    const { height, parent } = headers.decode(headers.ofBlock(block))
    const { height: head } = chain.head().header
    return `block ${height} of ours stands on ${parent}, which the chain lost, whose head is ${head}: its peers have to give it again`
  }

  async #play(signal: AbortSignal): Promise<void> {
    const head = this.#ports.chain.head()
    const set = AuthoritySet.of(head.authorities)
    const turn = await this.#turnAt(head, set)
    if (turn === undefined) return idle(this.#alarm, signal)
    const openedMs = this.#nowMs()
    let seen = this.#arrivals
    // What waits for finality waits as a transaction does, with every authority, whatever it has in its mempool.
    const awaitedSinceMs = isAwaited(head.standing, head.header.height, set) ? openedMs : undefined
    let waitingSinceMs = this.#ports.mempool.size > 0 ? openedMs : awaitedSinceMs
    while (!signal.aborted) {
      if (this.#arrivals !== seen) waitingSinceMs ??= this.#nowMs()
      seen = this.#arrivals
      const times = { parentMs: head.header.timeMs, openedMs }
      const { options } = this.#ports.rules
      const dueMs = dueAt(turn, { ...times, waitingSinceMs }, set, options)
      const restMs = dueMs - this.#nowMs()
      if (restMs > 0) await this.#alarm.wait(Math.min(restMs, options.maxIntervalMs), signal)
      else if (this.#ports.isReady?.() === false) await this.#alarm.wait(options.fallbackMs, signal)
      else {
        const allowEmpty = this.#nowMs() >= dueAt(turn, { ...times, waitingSinceMs: awaitedSinceMs }, set, options)
        if (await this.#propose(head, turn, set, allowEmpty, signal)) return idle(this.#alarm, signal)
        // Of those that wait none applies, so they are as good as none.
        waitingSinceMs = undefined
      }
    }
  }

  async #turnAt(head: PoaHead, set: AuthoritySet): Promise<Turn | undefined> {
    const { header } = head
    const { signer, record } = this.#identity
    const height = header.height + 1
    const rank = set.rankOf(signer.address, height)
    if (rank === undefined || (await record.has({ height, name: header.hash }))) return undefined
    const lock =
      rank === 0 ? await lockFor(this.#commitment, head, async (at) => this.#ports.chain.hashAt(at)) : undefined
    if (lock === undefined) return { rank, isHurried: false }
    return { rank, lock, isHurried: isInHurry(head.standing, height, set) }
  }

  /** Whether there is a block of ours on `head` now. */
  async #propose(
    head: PoaHead,
    turn: Turn,
    set: AuthoritySet,
    allowEmpty: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const timeMs = this.#nowMs()
    const { signer, record } = this.#identity
    const built = await buildWithin(signer, this.#buildDeadlineMs, signal, async (once, buildSignal) =>
      this.#ports.chain.build({ parent: head, timeMs, allowEmpty, signer: once, signal: buildSignal }),
    )
    if (built === undefined && allowEmpty) throw new ProposalError('wrong-build', 'none, and an empty one was wanted')
    if (built === undefined) return false
    const { header, bytes } = built
    checkBuild(built, head, timeMs, signer.address)
    const isVote = isInTurn(header, head.header, set, this.#ports.rules.options)
    if (isVote && turn.lock === undefined) throw new ProposalError('wrong-build', 'it counts as in turn, and must not')
    // The lock is of that branch, and some of it may be gone though nobody has said so yet.
    if (this.#ports.chain.head().header.hash !== head.header.hash) return true
    const { height, hash } = header
    const commitment = isVote && turn.lock ? { vote: { height, hash }, lock: turn.lock } : this.#commitment
    // Recorded, it is sent whatever comes: nobody makes another in its place.
    await record.save({ height, name: header.parent }, encodeSigningState({ ...commitment, block: bytes }))
    this.#commitment = commitment
    this.#unsent = bytes
    await this.#send()
    return true
  }

  #nowMs(): number {
    return this.#ports.clock?.nowMs() ?? Date.now()
  }
}

async function idle(alarm: Alarm, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await alarm.wait(Infinity, signal)
}

function checkBuild({ header }: BuiltBlock, parent: PoaHead, timeMs: number, address: string): void {
  const due = { height: parent.header.height + 1, parent: parent.header.hash, timeMs, proposer: address }
  for (const name of ['height', 'parent', 'timeMs', 'proposer'] as const) {
    if (header[name] === due[name]) continue
    throw new ProposalError('wrong-build', `${name} is ${header[name]}, and had to be ${due[name]}`)
  }
}
