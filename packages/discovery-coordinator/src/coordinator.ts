import type { Candidate } from '@gridmesh/interfaces'
import { AbortError, type Connection, type Logger, NotStartedError, type PeerId } from '@libp2p/interface'
import { BackoffTable } from './backoff-table.ts'
import { CandidatePool, type PooledCandidate } from './candidate-pool.ts'
import { Census, type EndedLink } from './census.ts'
import { raced } from './deadline.ts'
import { DialDesk, type Quota } from './dial-desk.ts'
import { Dialler } from './dialler.ts'
import { Feeler } from './feeler.ts'
import { HostBackoff } from './host-backoff.ts'
import type { DiscoveryComponents, FoundCandidate, MinimumChange } from './index.ts'
import { DiscoveryMetrics } from './metrics.ts'
import { Needs, type Shortage } from './needs.ts'
import type { DiscoveryOptions } from './options.ts'
import { believed } from './reach.ts'
import { RoundTimer } from './round-timer.ts'
import { Schedule } from './schedule.ts'
import type { DiscoveryStats } from './stats.ts'
import type { SourcedCandidate, Strategy } from './strategy.ts'
import { StrategyBoard } from './strategy-board.ts'
import { runnerInitOf } from './strategy-runner.ts'
import { SuccessRatio } from './success-ratio.ts'
import { type DialOutcome, Tally } from './tally.ts'
import { Thresholds } from './thresholds.ts'

/** Whom the coordinator tells. */
export interface CoordinatorListener {
  onCandidate(found: FoundCandidate): void
  onMinimum(change: MinimumChange): void
  onAlone(): void
}

/** Rounds of asking strategies and dialling what they found, as long as peers are missing. */
export class Coordinator {
  readonly #options: DiscoveryOptions
  readonly #listener: CoordinatorListener
  readonly #schedule: Schedule
  readonly #thresholds: Thresholds
  readonly #ratio: SuccessRatio
  readonly #backoff: BackoffTable
  readonly #pool: CandidatePool
  readonly #tally: Tally
  readonly #metrics: DiscoveryMetrics
  readonly #census: Census
  readonly #needs: Needs
  readonly #board: StrategyBoard
  readonly #desk: DialDesk
  readonly #feeler: Feeler
  readonly #rounds: RoundTimer
  #running: AbortController | undefined
  #hasNews = true
  #isPrepared = false

  constructor(
    components: DiscoveryComponents,
    options: DiscoveryOptions,
    strategies: readonly Strategy[],
    listener: CoordinatorListener,
    log: Logger,
  ) {
    this.#options = options
    this.#listener = listener
    this.#schedule = new Schedule(options)
    this.#thresholds = new Thresholds(options)
    this.#ratio = new SuccessRatio(options.maxOvershoot)
    const { backoffBaseMs, backoffMaxMs, maxBackoffs } = options
    const backoffInit = { baseMs: backoffBaseMs, maxMs: backoffMaxMs, maxKeys: maxBackoffs }
    this.#backoff = new BackoffTable(backoffInit)
    this.#pool = new CandidatePool(options)
    this.#tally = new Tally(strategies.map(({ name }) => name))
    this.#census = new Census(components, this)
    this.#needs = new Needs(options, components, this.#census, log)
    this.#board = new StrategyBoard(strategies, runnerInitOf(options), this, log)
    const dialler = new Dialler(components, options.dialDeadlineMs)
    const hosts = new HostBackoff(backoffInit)
    const parts = { dialler, pool: this.#pool, census: this.#census, backoff: this.#backoff, hosts, log }
    const { dialConcurrency: concurrency, maxIntervalMs: aloneBackoffMs, stableMs } = options
    const deskInit = { concurrency, aloneBackoffMs, stableMs }
    this.#desk = new DialDesk(parts, deskInit, this)
    this.#feeler = new Feeler(options.feelerIntervalMs, strategies, parts, this)
    const times = { minGapMs: options.intervalMs, fallbackMs: options.maxIntervalMs }
    this.#rounds = new RoundTimer(times, () => this.#round(), log)
    this.#metrics = new DiscoveryMetrics(components.metrics, {
      peers: () => this.#counts(),
      successRatio: () => this.#ratio.value,
    })
  }

  /** Starts the strategies. */
  async prepare(): Promise<void> {
    if (this.#isPrepared) return
    this.#isPrepared = true
    await this.#board.start()
  }

  /** Begins with the rounds. Siblings have to be there by now. */
  start(): void {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#hasNews = true
    this.#schedule.reset()
    this.#thresholds.restart()
    this.#census.start()
    this.#feeler.start(this.#running.signal)
    this.#rounds.start()
  }

  /** Ends rounds, runs and dials. */
  async end(): Promise<void> {
    this.#running?.abort(new AbortError('Discovery stopped'))
    this.#running = undefined
    this.#rounds.stop()
    this.#census.stop()
    await Promise.all([this.#feeler.stop(), this.#desk.close(), this.#board.whenIdle()])
  }

  /** Ends all that, and stops the strategies. */
  async stop(): Promise<void> {
    await this.end()
    if (!this.#isPrepared) return
    this.#isPrepared = false
    await this.#board.stop()
  }

  /** Asks all strategies. Resolves with the number of new candidates. */
  async discoverNow(signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted()
    const running = this.#running?.signal
    if (running === undefined) throw new NotStartedError('Discovery is not running')
    const shortage = this.#needs.shortage()
    this.#desk.open(this.#quota(shortage), shortage.need, running)
    return raced(raced(this.#board.askAll(shortage.need, running), signal), running)
  }

  async referrals(asker: PeerId, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    return this.#running === undefined ? [] : this.#board.referrals(asker, signal)
  }

  /** The refusal that it came with ends the connection, and that hastens the next round, which asks for it. */
  referred(records: readonly Uint8Array[], connection: Connection): void {
    if (this.#running !== undefined) this.#board.referred(records, connection)
  }

  stats(): DiscoveryStats {
    const { timeToMinimumMs, timeToTargetMs } = this.#thresholds
    const strategies = this.#tally.strategies()
    for (const [name, counts] of Object.entries(strategies)) counts.breaker = this.#board.breaker(name)
    return {
      ...this.#counts(),
      rounds: this.#tally.rounds,
      fruitlessRounds: this.#schedule.fruitless,
      dials: { ...this.#tally.dials },
      successRatio: this.#ratio.value,
      feelers: { ...this.#tally.feelers },
      strategies,
      ...(timeToMinimumMs !== undefined && { timeToMinimumMs }),
      ...(timeToTargetMs !== undefined && { timeToTargetMs }),
    }
  }

  take(found: SourcedCandidate, strategy: Strategy): boolean {
    if (this.#running === undefined || this.#census.isBarred(found.id)) return false
    const candidate = found.source === undefined ? found : believed(found, [found.source])
    if (candidate === undefined) return false
    this.#board.found(candidate, strategy)
    if (this.#census.isLinked(candidate.id)) return false
    const isNew = this.#pool.put(candidate, strategy)
    if (isNew) {
      this.#hasNews = true
      this.#tally.count(strategy.name, 'candidates')
      this.#metrics.candidate(strategy.name)
      this.#listener.onCandidate({ candidate, strategy: strategy.name })
    }
    this.#desk.fill(this.#running.signal)
    return isNew
  }

  onRun(strategy: Strategy, outcome: 'succeeded' | 'failed' | 'cancelled'): void {
    this.#tally.count(strategy.name, 'runs')
    if (outcome !== 'failed') return
    this.#tally.count(strategy.name, 'failures')
    this.#metrics.runFailed(strategy.name)
  }

  onDial(candidate: PooledCandidate): void {
    this.#tally.dials.attempts++
    this.#tally.count(candidate.strategy, 'dials')
  }

  onDialled(candidate: PooledCandidate, outcome: DialOutcome): void {
    this.#tally.dialled(candidate.strategy, outcome)
    this.#metrics.dialled(outcome)
    if (outcome === 'neutral') return
    this.#ratio.record(outcome === 'succeeded')
    if (outcome === 'failed') {
      this.#failed(candidate.id)
      return
    }
    this.#hasNews = true
    // What was to make up for failures is not needed any more.
    this.#desk.restrict(this.#quota(this.#needs.shortage()))
  }

  isTime(): boolean {
    return !this.#thresholds.isAlone && this.#census.ready() >= this.#options.minPeers
  }

  onFelt(candidate: Candidate, outcome: DialOutcome): void {
    this.#tally.feelers.attempts++
    this.#metrics.felt(outcome)
    if (outcome === 'failed') this.#failed(candidate.id)
    if (outcome !== 'succeeded') return
    this.#tally.feelers.succeeded++
    this.#board.succeeded({ ...candidate, ...this.#census.namesOf(candidate.id) })
  }

  onReady(peer: PeerId): void {
    this.#hasNews = true
    // Only a link that we dialled proves that the peer can be reached, and where.
    const address = this.#census.dialled(peer)?.remoteAddr
    const names = this.#census.namesOf(peer)
    this.#pool.learn(peer.toString(), names)
    if (address !== undefined && !this.#feeler.isTesting(peer.toString())) {
      this.#board.succeeded({ id: peer, addresses: [address], ...names })
    }
    this.#observe()
  }

  onLeft(peer: PeerId, link: EndedLink): void {
    const key = peer.toString()
    this.#desk.parted(key, link)
    // It answered, but is of no use: of another network, or full.
    if (!link.wasReady && this.#backoff.attempts(key) > 0 && !this.#feeler.isTesting(key)) this.#failed(peer)
    this.#observe()
    if (!this.#isShort()) return
    this.#hasNews = true
    this.#rounds.hasten()
  }

  #round(): number {
    const running = this.#running?.signal
    if (running === undefined) return this.#options.maxIntervalMs
    this.#tally.rounds++
    const delayMs = this.#schedule.next({ all: this.#census.ready(), outbound: this.#census.outbound() }, this.#hasNews)
    this.#hasNews = false
    this.#observe()
    const shortage = this.#needs.shortage()
    this.#desk.open(this.#quota(shortage), shortage.need, running)
    // With enough candidates at hand, nobody is bothered for more.
    const isShort = this.#isShort()
    const isIdle = !isShort && shortage.need.length === 0 && this.#desk.free().length >= this.#options.targetPeers
    if (!isIdle) this.#board.ask(shortage.need, running, isShort)
    return delayMs
  }

  #isShort(): boolean {
    const { minPeers, minOutbound } = this.#options
    return this.#thresholds.isAlone || this.#census.ready() < minPeers || this.#census.outbound() < minOutbound
  }

  #quota({ peers, specific }: Shortage): Quota {
    const { maxDialsPerRound } = this.#options
    const any = Math.min(this.#ratio.dialsFor(peers), maxDialsPerRound)
    return { any, needed: Math.max(0, Math.min(this.#ratio.dialsFor(specific), maxDialsPerRound) - any) }
  }

  #failed(peer: PeerId): void {
    // While we reach nobody, that a peer is not reached says nothing of it.
    if (!this.#thresholds.isAlone) this.#board.failed(peer)
  }

  /** Compares the counts with the lines, and tells what was crossed. */
  #observe(): void {
    const ready = this.#census.ready()
    const { minimum, alone, target } = this.#thresholds.update(ready, this.#census.linked().size)
    const { timeToMinimumMs = 0, timeToTargetMs = 0 } = this.#thresholds
    if (alone === true) this.#beginAnew()
    if (target === 'met') this.#metrics.targetMet(timeToTargetMs)
    if (minimum === 'met') this.#metrics.minimumMet(timeToMinimumMs)
    if (minimum === undefined) return
    this.#listener.onMinimum({ isMet: minimum === 'met', ready, minPeers: this.#options.minPeers })
  }

  /** No peer is left: back to those that are named in the configuration. */
  #beginAnew(): void {
    this.#board.resetFallbacks()
    this.#desk.recallFallbacks()
    this.#listener.onAlone()
  }

  #counts(): Pick<DiscoveryStats, 'ready' | 'outbound' | 'linked' | 'candidates' | 'dialing'> {
    const census = {
      ready: this.#census.ready(),
      outbound: this.#census.outbound(),
      linked: this.#census.linked().size,
    }
    return { ...census, candidates: this.#pool.size, dialing: this.#desk.inFlight }
  }
}
