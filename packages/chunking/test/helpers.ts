import type { Uint8ArrayList } from 'uint8arraylist'
import { FLAG_FIRST, headerLength, writeHeader } from '../src/frame.ts'
import { FrameDecoder } from '../src/frame-decoder.ts'
import type { ReassemblerInit } from '../src/index.ts'
import { Reassembler } from '../src/reassembler.ts'
import type { SendQueue } from '../src/send-queue.ts'

export type Bytes = Uint8Array | Uint8ArrayList

export const flat = (bytes: Bytes): Uint8Array => (bytes instanceof Uint8Array ? bytes : bytes.subarray())
export const hex = (bytes: Bytes): string => Buffer.from(flat(bytes)).toString('hex')
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
export const text = (bytes: Bytes): string => new TextDecoder().decode(flat(bytes))

/** Bytes that differ from place to place, so that a mix-up shows. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed * 2_654_435_761
  for (let i = 0; i < length; i++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff
    bytes[i] = state >> 16
  }
  return bytes
}

/** A frame with `length` bytes of a message; `total` is that of the message, for a first frame. */
export function dataFrame(flags: number, id: number, length: number, total = 0): Uint8Array {
  const frame = new Uint8Array(headerLength(flags, id, total, length) + length)
  writeHeader(frame, 0, flags, id, total, length)
  return frame
}

/** The first frame of a message of `total` bytes. */
export const firstFrame = (id: number, total: number, length = 1): Uint8Array =>
  dataFrame(FLAG_FIRST, id, length, total)

/** Everything a queue would send, one entry a batch. */
export function drain(queue: SendQueue): Uint8Array[] {
  const batches: Uint8Array[] = []
  for (let batch = queue.nextBatch(); batch != null; batch = queue.nextBatch()) {
    batches.push(flat(batch).slice())
    queue.settle()
  }
  return batches
}

/** A receiver without a stream: what it got, lost and was refused. */
export function receiver(init: ReassemblerInit = {}, maxFrameBytes?: number) {
  const messages: Uint8Array[] = []
  const lost: { error: Error & { code: string }; id: number }[] = []
  const refused: { id: number; error: Error & { code: string } }[] = []
  const reassembler = new Reassembler(
    {
      onMessage: (bytes) => messages.push(flat(bytes).slice()) > 0,
      onLost: (error, id) => lost.push({ error, id }),
      onRefused: (id, error) => refused.push({ id, error }),
    },
    init,
  )
  const decoder = new FrameDecoder(reassembler, maxFrameBytes)
  return { messages, lost, refused, reassembler, decoder }
}

/** Cuts `bytes` into pieces of the given sizes, over and over. */
export function fragments(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.byteLength; i++) {
    const size = sizes[i % sizes.length] ?? 1
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}
