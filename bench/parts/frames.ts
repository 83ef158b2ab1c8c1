import { FrameDecoder, PayloadAssembler, SendQueue, splitPayload } from '@gridmesh/chunking'
import { decode, encode } from 'it-length-prefixed'
import type { Part } from './part.ts'

/** Frames that are written and read at once, as those of one tick are. */
const TOGETHER = 256
const MESSAGE = crypto.getRandomValues(new Uint8Array(128))
const PAYLOAD_BYTES = 4 * 2 ** 20
const PAYLOAD = randomBytes(PAYLOAD_BYTES)

export const FRAMES: readonly Part[] = [
  {
    name: 'frame encoder, 128 B',
    unit: '/s',
    count: 1_000_000,
    goal: 2e6,
    ours: (count) => {
      const queue = new SendQueue()
      for (let i = 0; i < count; i += TOGETHER) writeFrames(queue)
    },
    theirs: { name: 'it-length-prefixed', count: 200_000, run: encodeTheirs },
  },
  {
    name: 'frame decoder, 128 B',
    unit: '/s',
    count: 1_000_000,
    goal: 2e6,
    ours: decodeOurs(),
    theirs: { name: 'it-length-prefixed', count: 200_000, run: decodeTheirs() },
  },
  {
    name: 'Merkle chunks of 64 KiB, split',
    unit: 'MB/s',
    count: 20,
    amount: PAYLOAD_BYTES / 1e6,
    ours: (count) => {
      for (let i = 0; i < count; i++) splitPayload(PAYLOAD)
    },
  },
  {
    name: 'Merkle chunks of 64 KiB, checked one by one and put together',
    unit: 'MB/s',
    count: 20,
    amount: PAYLOAD_BYTES / 1e6,
    ours: assemble(),
  },
]

function writeFrames(queue: SendQueue): Uint8Array {
  for (let i = 0; i < TOGETHER; i++) queue.add(MESSAGE, { lane: 'normal' })
  const batch = queue.nextBatch()
  if (batch === undefined || !queue.isEmpty) throw new RangeError('the frames of a tick fill more than one batch')
  return batch.subarray()
}

function decodeOurs(): Part['ours'] {
  const bytes = writeFrames(new SendQueue())
  const sink = { onData: () => true, onControl: () => true }
  return (count) => {
    const decoder = new FrameDecoder(sink)
    for (let i = 0; i < count; i += TOGETHER) decoder.decode(bytes)
  }
}

function encodeTheirs(count: number): void {
  const messages = Array.from({ length: TOGETHER }, () => MESSAGE)
  let frames = 0
  while (frames < count) for (const frame of encode(messages)) frames += Number(frame.byteLength > 0)
}

function decodeTheirs(): Part['ours'] {
  const messages = Array.from({ length: TOGETHER }, () => MESSAGE)
  const bytes = Buffer.concat([...encode(messages)].map((frame) => frame.subarray()))
  return (count) => {
    let decoded = 0
    while (decoded < count) for (const message of decode([bytes])) decoded += Number(message.byteLength > 0)
  }
}

function assemble(): Part['ours'] {
  const split = splitPayload(PAYLOAD)
  const chunks = [...split]
  return (count) => {
    for (let i = 0; i < count; i++) {
      const assembler = new PayloadAssembler(split)
      for (const chunk of chunks) assembler.add(chunk)
      assembler.finish()
    }
  }
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}
