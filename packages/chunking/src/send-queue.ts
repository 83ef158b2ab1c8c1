import { QueueFullError, type Lane } from '@gridmesh/interfaces'
import type { Uint8ArrayList } from 'uint8arraylist'
import {
  MAX_CANCELLED_MESSAGES,
  MAX_REMEMBERED_MESSAGES,
  MAX_WAITING_CONTROLS,
  MESSAGE_OVERHEAD_BYTES,
  MIN_FRAME_PAYLOAD_BYTES,
} from './constants.ts'
import { FramingError, type MessageRefusedError, MessageTooLargeError, REFUSAL_CODES } from './errors.ts'
import { FLAG_FIRST, FLAG_LAST, FLAG_WHOLE, abortFrame, headerLength, refusalFrame } from './frame.ts'
import { FrameBatch } from './frame-batch.ts'
import { IdTable } from './id-table.ts'
import { type LaneQueue, LaneScheduler } from './lane-scheduler.ts'
import { type MessageOptions, OutgoingMessage } from './outgoing-message.ts'
import { Ring } from './ring.ts'
import { type SendQueueInit, sendLimits } from './send-limits.ts'
import { StartGate } from './start-gate.ts'

/** Cuts queued messages into frames: lanes by weight, the messages of a lane in turn. */
export class SendQueue {
  readonly #limits: ReturnType<typeof sendLimits>
  readonly #lanes: LaneScheduler
  readonly #gate: StartGate
  readonly #batch = new FrameBatch()
  #controls: Uint8Array[] = []
  /** Begun and not ended, by id. */
  readonly #started = new IdTable<OutgoingMessage>()
  /** Ended lately, and interested in a late refusal. */
  readonly #ended = new IdTable<OutgoingMessage>()
  /** Their ids, the oldest first, and ids of those that were refused since. */
  readonly #endedIds = new Ring<number>()
  #settling: OutgoingMessage[] = []
  #queuedBytes = 0
  #criticalBytes = 0
  #cancelled = 0
  #nextId = 0

  constructor(init: SendQueueInit = {}) {
    this.#limits = sendLimits(init)
    this.#lanes = new LaneScheduler(init.laneWeights)
    this.#gate = new StartGate(this.#limits.maxPartialMessages, this.#limits.maxStartedBytes)
  }

  /** Bytes queued and not cut into frames, of all lanes. */
  get queuedBytes(): number {
    return this.#queuedBytes + this.#criticalBytes
  }

  /** Whether there is nothing to cut now. */
  get isEmpty(): boolean {
    return this.#controls.length === 0 && this.#lanes.next() == null
  }

  /**
   * Queues a message. Those that fit one frame keep their order within a lane; larger ones may be overtaken.
   *
   * @throws {MessageTooLargeError} @throws {QueueFullError}
   */
  add(bytes: Uint8Array | Uint8ArrayList, options: MessageOptions): OutgoingMessage {
    const lane = options.lane ?? 'normal'
    const size = bytes.byteLength
    const { maxMessageBytes, maxQueuedBytes } = this.#limits
    if (size > maxMessageBytes) throw new MessageTooLargeError(size, maxMessageBytes)
    const queued = lane === 'critical' ? this.#criticalBytes : this.#queuedBytes
    // An empty queue takes any message, or the largest could never be sent.
    if (queued > 0 && queued + size + MESSAGE_OVERHEAD_BYTES > maxQueuedBytes) {
      throw new QueueFullError('maxQueuedBytes', maxQueuedBytes, lane)
    }
    const message = new OutgoingMessage(bytes, lane, options)
    this.#count(lane, size + MESSAGE_OVERHEAD_BYTES)
    this.#lanes.add(message)
    return message
  }

  /**
   * Gives a message up. Where a part of it has gone, the receiver is told.
   *
   * @throws {FramingError} when the receiver reads nothing, and there is no room to tell it
   */
  cancel(message: OutgoingMessage): void {
    if (message.isOver) return
    if (message.id >= 0) this.#control(abortFrame(message.id))
    this.#giveUp(message)
    this.#cancelled += 1
    if (this.#cancelled > MAX_CANCELLED_MESSAGES) this.#sweep()
  }

  /** Tells the sender of message `id` that no more of it is wanted. @throws {FramingError} when it never reads that */
  refuse(id: number, { code, value = 0 }: MessageRefusedError): void {
    this.#control(refusalFrame(id, value, REFUSAL_CODES.indexOf(code)))
  }

  /** The receiver of our message `id` gave it up: the rest of it is not sent. @throws {FramingError} for a made-up id */
  refused(id: number, error: MessageRefusedError): void {
    if (id >= this.#nextId) throw new FramingError(`A refusal of message ${id}, which was never sent`)
    const message = this.#started.get(id) ?? this.#ended.get(id)
    if (message == null) return
    this.#ended.delete(id)
    if (!message.isOver) {
      this.#giveUp(message)
      message.options.onSettled?.(error)
    }
    message.options.onRefused?.(error)
  }

  /** The next frames, at most `maxFrameBytes` in all; undefined where there are none. */
  nextBatch(): Uint8Array | Uint8ArrayList | undefined {
    this.#cutControls()
    for (let queue = this.#lanes.next(); queue != null; queue = this.#lanes.next()) {
      const message = queue.ready.peek()
      if (message == null || message.isOver) queue.ready.shift()
      else if (message.id < 0 ? !this.#cutNew(queue, message) : !this.#cutPart(queue, message)) break
    }
    return this.#batch.write()
  }

  /** Settles the messages whose last frame was in the batches so far. Called once those were sent. @throws as `fail` does */
  settle(): void {
    if (this.#settling.length === 0) return
    const settled = this.#settling
    this.#settling = []
    settleAll(settled)
  }

  /** Fails every message not settled. @throws what the first callback that throws does, once all were called */
  fail(error: Error): void {
    const lost = this.#settling
    this.#settling = []
    for (const { ready, waiting } of this.#lanes.queues) {
      for (
        let message = ready.shift() ?? waiting.shift();
        message != null;
        message = ready.shift() ?? waiting.shift()
      ) {
        if (message.isOver) continue
        this.#giveUp(message)
        lost.push(message)
      }
    }
    this.#controls = []
    this.#ended.clear()
    settleAll(lost, error)
  }

  /** Cuts the first frame of a message. Returns `false` when the batch has no room for it. */
  #cutNew(queue: LaneQueue, message: OutgoingMessage): boolean {
    const whole = headerLength(FLAG_WHOLE, this.#nextId, 0, message.size) + message.size
    if (whole > this.#limits.maxFrameBytes) {
      if (queue.waiting.length === 0 && this.#gate.tryEnter(message)) return this.#cutPart(queue, message)
      if (message.isAdmitted) return this.#cutPart(queue, message)
      queue.ready.shift()
      queue.waiting.push(message)
      return true
    }
    if (whole > this.#limits.maxFrameBytes - this.#batch.size) return false
    queue.ready.shift()
    message.id = this.#nextId++
    this.#lanes.charge(queue, this.#batch.add(message, FLAG_WHOLE, message.size))
    this.#finish(message, message.size)
    return true
  }

  /** Cuts the next frame of a message of several. Returns `false` when the batch has no room for it. */
  #cutPart(queue: LaneQueue, message: OutgoingMessage): boolean {
    const { maxFrameBytes } = this.#limits
    const room = maxFrameBytes - this.#batch.size
    const left = message.size - message.sent
    const first = message.id < 0 ? FLAG_FIRST : 0
    const header = headerLength(first, message.id < 0 ? this.#nextId : message.id, message.size, room)
    const length = Math.min(left, room - header)
    if (length < Math.min(left, MIN_FRAME_PAYLOAD_BYTES, maxFrameBytes >> 1)) return false
    queue.ready.shift()
    if (message.id < 0) {
      message.id = this.#nextId++
      this.#started.set(message.id, message)
    }
    this.#lanes.charge(queue, this.#batch.add(message, length === left ? first | FLAG_LAST : first, length))
    if (length === left) {
      this.#finish(message, length)
    } else {
      this.#count(message.lane, -length)
      queue.ready.push(message)
    }
    return true
  }

  /** The last frame of `message` is cut. */
  #finish(message: OutgoingMessage, length: number): void {
    message.isOver = true
    this.#count(message.lane, -length - MESSAGE_OVERHEAD_BYTES)
    const { options } = message
    if (options.onSettled != null) this.#settling.push(message)
    if (options.onRefused != null && message.size >= MIN_FRAME_PAYLOAD_BYTES) this.#remember(message)
    if (message.isAdmitted) this.#release(message)
  }

  #remember(message: OutgoingMessage): void {
    this.#ended.set(message.id, message)
    this.#endedIds.push(message.id)
    if (this.#endedIds.length <= MAX_REMEMBERED_MESSAGES) return
    const oldest = this.#endedIds.shift()
    if (oldest != null) this.#ended.delete(oldest)
  }

  #giveUp(message: OutgoingMessage): void {
    message.isOver = true
    this.#count(message.lane, message.sent - message.size - MESSAGE_OVERHEAD_BYTES)
    message.drop()
    if (message.isAdmitted) this.#release(message)
  }

  /** Gives the room of a message of several frames to those that wait, the most urgent first. */
  #release(message: OutgoingMessage): void {
    this.#started.delete(message.id)
    this.#gate.leave(message)
    for (const { waiting } of this.#lanes.queues) {
      for (let next = waiting.peek(); next != null; next = waiting.peek()) {
        if (!next.isOver && !this.#gate.tryEnter(next)) return
        waiting.shift()
        if (!next.isOver) this.#lanes.add(next)
      }
    }
  }

  #sweep(): void {
    this.#cancelled = 0
    for (const { ready, waiting } of this.#lanes.queues) {
      ready.filter((message) => !message.isOver)
      waiting.filter((message) => !message.isOver)
    }
  }

  #control(frame: Uint8Array): void {
    if (this.#controls.length >= MAX_WAITING_CONTROLS) {
      throw new FramingError(`${MAX_WAITING_CONTROLS} refusals wait for a peer that does not read them`)
    }
    this.#controls.push(frame)
  }

  #cutControls(): void {
    if (this.#controls.length === 0) return
    let taken = 0
    for (const frame of this.#controls) {
      if (this.#batch.size + frame.byteLength > this.#limits.maxFrameBytes) break
      this.#batch.addControl(frame)
      taken += 1
    }
    this.#controls = this.#controls.slice(taken)
  }

  #count(lane: Lane, bytes: number): void {
    if (lane === 'critical') this.#criticalBytes += bytes
    else this.#queuedBytes += bytes
  }
}

/** Calls all back, and throws what the first of them did that threw: one must not keep others from being settled. */
function settleAll(messages: readonly OutgoingMessage[], error?: Error): void {
  const thrown: unknown[] = []
  for (const { options } of messages) {
    try {
      options.onSettled?.(error)
    } catch (err) {
      thrown.push(err)
    }
  }
  if (thrown.length > 0) throw thrown[0]
}
