import type { FrameChannel } from '@gridmesh/chunking'
import { AbortError } from '@libp2p/interface'
import { Duplex } from './duplex.ts'
import { LinkLostError, MalformedMessageError } from './errors.ts'
import { OutboundCall, type Question } from './outbound-call.ts'
import type { OutboundSession } from './outbound-session.ts'
import { fromWireError } from './remote-errors.ts'
import { toError } from './timeout.ts'
import { TYPE, type WireMessage } from './wire.ts'

/** A call whose question and answer are streams. Its deadline is the longest silence while we wait. */
export class StreamCall extends OutboundCall {
  readonly isSingle = false
  readonly #window: number
  readonly #source: AsyncIterable<Uint8Array>
  readonly #opened = Promise.withResolvers<Duplex>()
  #duplex: Duplex | undefined

  constructor(session: OutboundSession, question: Question, source: AsyncIterable<Uint8Array>, windowBytes: number) {
    super(session, question)
    this.#source = source
    this.#window = windowBytes
  }

  /** The answers. Whoever stops taking them ends the call. */
  async *answers(): AsyncGenerator<Uint8Array, void, undefined> {
    this.start()
    try {
      const { incoming } = await this.#opened.promise
      yield* incoming
    } finally {
      this.giveUp(new AbortError('The consumer wants no more answers'))
      this.#duplex?.incoming.discard()
    }
  }

  /** All that the credit lets the other side send before it hears of the end, and an item that is over it. */
  override get lateBytes(): number {
    return this.#window + this.session.maxMessageBytes
  }

  override transmit(channel: FrameChannel): number {
    const bytes = super.transmit(channel)
    const { pace } = this.session
    const duplex = new Duplex({
      channel,
      id: this.id,
      lane: this.session.lane,
      windowBytes: this.#window,
      heldBudget: this.session.heldBudget,
      maxItemBytes: this.session.maxPayloadBytes,
      pace: pace == null ? undefined : (item) => pace(item, this.signal()),
      count: (sent) => this.session.count(sent),
      onFailed: (error) => this.giveUp(error),
    })
    this.#duplex = duplex
    duplex.start()
    duplex.sendAll(this.#source).catch((err: unknown) => this.giveUp(toError(err)))
    this.#opened.resolve(duplex)
    return bytes
  }

  receive(message: WireMessage): void {
    if (message.type === TYPE.error) {
      this.fail(fromWireError(message, this.question.name))
      return
    }
    if (message.type === TYPE.response) throw new MalformedMessageError('A single answer to a streamed call')
    const error = this.#duplex?.receive(message)
    if (error != null) this.giveUp(error)
    if (message.type !== TYPE.end) return
    this.end()
    this.#duplex?.stopSending(new LinkLostError())
  }

  /** It may have been an item of this one, and none can be left out of the middle of a stream. */
  override onAnswerLost(error: Error): void {
    if (this.#duplex != null) this.giveUp(error)
  }

  protected onFailed(error: Error): void {
    this.#duplex?.fail(error)
    this.#opened.reject(error)
  }

  protected override onDeadline(): number {
    // A consumer that takes its time is not the other side's fault.
    if (this.#duplex == null) return 0
    const { deadlineMs } = this.question
    return this.#duplex.incoming.isWaiting ? this.#duplex.heardMs + deadlineMs - performance.now() : deadlineMs
  }
}
