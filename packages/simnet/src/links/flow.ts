import type { Fabric } from './fabric.ts'
import type { Machine } from './machine.ts'
import type { PortQueue } from './fair-port.ts'

/** Largest piece that a limited card sends at once, in bytes. */
const SEGMENT_BYTES = 16_384
/** Segments of a flow that may be under way however short the way is. */
const MIN_SEGMENTS_UNDER_WAY = 2
/** Bandwidth–delay products that a flow may have under way. */
const PIPES_UNDER_WAY = 2

interface Segment {
  readonly bytes: number
  /** Called on arrival; only the last segment of a message has it. */
  readonly deliver: (() => void) | undefined
}

/** What a message must pass when bandwidth is limited: the card of the sender, the way, the card of the receiver. */
class LimitedPath {
  readonly #flow: Flow
  readonly #windowBytes: number
  readonly #outbox: Segment[] = []
  readonly #inbox: Segment[] = []
  #underWay = 0
  #isBlocked = false

  constructor(flow: Flow) {
    this.#flow = flow
    const { from, to } = flow
    const slowest = Math.min(from.uplink?.bytesPerMs ?? Infinity, to.downlink?.bytesPerMs ?? Infinity)
    const pipe = PIPES_UNDER_WAY * slowest * 2 * flow.baseMs
    this.#windowBytes = Math.max(MIN_SEGMENTS_UNDER_WAY * SEGMENT_BYTES, pipe)
  }

  add(bytes: number, deliver: () => void): void {
    for (let left = bytes; left > SEGMENT_BYTES; left -= SEGMENT_BYTES) {
      this.#outbox.push({ bytes: SEGMENT_BYTES, deliver: undefined })
    }
    this.#outbox.push({ bytes: bytes % SEGMENT_BYTES || Math.min(bytes, SEGMENT_BYTES), deliver })
    this.#pump()
  }

  readonly #leaving: PortQueue = {
    nextBytes: () => {
      const bytes = this.#outbox[0]?.bytes
      if (bytes === undefined) return undefined
      this.#isBlocked = this.#underWay > 0 && this.#underWay + bytes > this.#windowBytes
      return this.#isBlocked ? undefined : bytes
    },
    take: (untilMs) => {
      const segment = this.#outbox.shift()
      if (segment !== undefined) this.#travel(segment, untilMs)
    },
  }

  readonly #arriving: PortQueue = {
    nextBytes: () => this.#inbox[0]?.bytes,
    take: (untilMs) => {
      const segment = this.#inbox.shift()
      if (segment !== undefined) this.#arrive(segment, untilMs)
    },
  }

  #pump(): void {
    const { uplink } = this.#flow.from
    if (uplink !== undefined) {
      uplink.offer(this.#leaving)
      return
    }
    while (this.#leaving.nextBytes() !== undefined) this.#leaving.take(this.#flow.fabric.clock.nowMs)
  }

  #travel(segment: Segment, leftAtMs: number): void {
    const { fabric, to } = this.#flow
    this.#underWay += segment.bytes
    const atMs = this.#flow.arrivalOf(leftAtMs)
    if (to.downlink === undefined) {
      this.#arrive(segment, atMs)
      return
    }
    const { downlink } = to
    fabric.clock.planAt('link', to.card, atMs, () => {
      this.#inbox.push(segment)
      downlink.offer(this.#arriving)
    })
  }

  #arrive({ bytes, deliver }: Segment, atMs: number): void {
    const { fabric, to } = this.#flow
    const actor = deliver === undefined ? to.card : to.actor
    fabric.clock.planAt(
      deliver === undefined ? 'link' : 'arrive',
      actor,
      atMs,
      () => {
        deliver?.()
        this.#credit(bytes)
      },
      bytes,
    )
  }

  #credit(bytes: number): void {
    this.#underWay -= bytes
    if (!this.#isBlocked) return
    this.#isBlocked = false
    const { fabric, from, baseMs } = this.#flow
    fabric.clock.plan('link', from.card, baseMs, () => this.#pump())
  }
}

/** One direction of a connection: in order, with bounded bytes under way. */
export class Flow {
  readonly fabric: Fabric
  readonly from: Machine
  readonly to: Machine
  /** Time one way without jitter or loss, in ms. */
  readonly baseMs: number
  readonly #limited: LimitedPath | undefined
  readonly #onDrain: () => void
  #lastArrivalMs = 0
  #underWay = 0
  #isFull = false
  /** Messages that wait for a closed way to open. */
  #held: { bytes: number; deliver: () => void }[] | undefined

  constructor(fabric: Fabric, from: Machine, to: Machine, onDrain: () => void) {
    this.fabric = fabric
    this.from = from
    this.to = to
    this.baseMs = fabric.model.baseMs(from, to)
    this.#onDrain = onDrain
    const isLimited = from.uplink !== undefined || to.downlink !== undefined
    this.#limited = isLimited ? new LimitedPath(this) : undefined
  }

  /** Bytes that were sent and have not arrived. */
  get underWay(): number {
    return this.#underWay
  }

  /** Sends a message. Returns false when the window is full: `onDrain` tells when there is room again. */
  send(bytes: number, deliver: () => void): boolean {
    this.#underWay += bytes
    this.fabric.count(bytes)
    const arrive = (): void => {
      this.#arrived(bytes)
      deliver()
    }
    if (this.#held !== undefined || this.fabric.isBlocked(this.from, this.to)) this.#hold(bytes, arrive)
    else this.#transmit(bytes, arrive)
    if (this.#underWay >= this.fabric.model.windowBytes) this.#isFull = true
    return !this.#isFull
  }

  /** When a segment arrives that leaves at `leftAtMs`: never before the one sent before it. */
  arrivalOf(leftAtMs: number): number {
    const atMs = leftAtMs + this.baseMs + this.fabric.model.delayMs(this.from, this.baseMs)
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, atMs)
    return this.#lastArrivalMs
  }

  /** Sends what waited for the way to open: TCP tries again within its retransmission time. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    const retryMs = this.fabric.clock.nowMs + this.fabric.model.retryMs(this.from)
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, retryMs)
    for (const { bytes, deliver } of held) this.#transmit(bytes, deliver)
  }

  #transmit(bytes: number, deliver: () => void): void {
    if (this.#limited !== undefined) {
      this.#limited.add(bytes, deliver)
      return
    }
    const { clock } = this.fabric
    clock.planAt('arrive', this.to.actor, this.arrivalOf(clock.nowMs), deliver, bytes)
  }

  #hold(bytes: number, deliver: () => void): void {
    this.#held ??= []
    this.#held.push({ bytes, deliver })
    this.fabric.hold(this)
  }

  #arrived(bytes: number): void {
    this.#underWay -= bytes
    if (!this.#isFull || this.#underWay > this.fabric.model.windowBytes / 2) return
    this.#isFull = false
    this.fabric.clock.plan('link', this.from.actor, this.baseMs, this.#onDrain)
  }
}
