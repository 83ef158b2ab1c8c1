import { FrameDecoder, SendQueue } from '@gridmesh/chunking'
import { ReplayWindow, nodeCryptoSigner } from '@gridmesh/envelope'
import { TrafficLimiter } from '@gridmesh/rate-limiter'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { type Bench, type Line, median } from '../report.ts'

const ROUNDS = 7

/** The parts on the path of every message, each alone in this process. */
export const bench: Bench = {
  about: 'the parts on the path of every message, operations a second on one core',
  async *run() {
    yield measure('rate limiter, take from 100 peers', 2_000_000, limiter(), 5e6)
    yield measure('replay window, mark rising numbers', 1_000_000, replayWindow(), 2e6)
    yield measure('frame decoder, 128 B frames', 1_000_000, decoder(), 2e6)
    yield* signatures()
  },
}

/** Runs `batch` over rounds, the first thrown away. */
function measure(name: string, count: number, batch: (count: number) => void, goal: number): Line {
  const raw = rates(count, batch)
  const ours = median(raw)
  return { case: name, metric: 'rate', unit: '/s', ours, raw, goal: `>= ${goal}`, met: ours >= goal }
}

function rates(count: number, batch: (count: number) => void): number[] {
  const raw: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now()
    batch(count)
    if (round > 0) raw.push(count / ((performance.now() - start) / 1_000))
  }
  return raw
}

function limiter(): (count: number) => void {
  const limits = new TrafficLimiter({ messagesPerSecond: 1e9, bytesPerSecond: 1e12, totalMessagesPerSecond: 1e9 })
  const peers = Array.from({ length: 100 }, (_, index) => `peer-${index}`)
  const cost = { messages: 1, bytes: 128 }
  return (count) => {
    for (let i = 0; i < count; i++) limits.take(peers[i % 100] ?? '', '/bench/1', cost)
  }
}

function replayWindow(): (count: number) => void {
  const window = new ReplayWindow()
  let sequence = 0n
  return (count) => {
    for (let i = 0; i < count; i++) window.mark(++sequence)
  }
}

function decoder(): (count: number) => void {
  const queue = new SendQueue()
  const frames = 256
  const frame = new Uint8Array(128)
  for (let i = 0; i < frames; i++) queue.add(frame, { lane: 'normal' })
  const bytes = queue.nextBatch()?.subarray() ?? frame
  const sink = { onData: () => true, onControl: () => true }
  return (count) => {
    const parser = new FrameDecoder(sink)
    for (let i = 0; i < count; i += frames) parser.decode(bytes)
  }
}

async function* signatures(): AsyncIterable<Line> {
  const key = await generateKeyPair('Ed25519')
  const signer = nodeCryptoSigner(key)
  const message = new Uint8Array(512)
  const signature = await key.sign(message)
  const [sign, libp2pSign, verify, libp2pVerify]: number[][] = [[], [], [], []]
  const count = 1_000
  // In turns, so that a slow moment of the machine hits both sides.
  for (let round = 0; round <= ROUNDS; round++) {
    const timed = async (into: number[] | undefined, one: () => unknown): Promise<void> => {
      const start = performance.now()
      for (let i = 0; i < count; i++) await one()
      if (round > 0) into?.push(count / ((performance.now() - start) / 1_000))
    }
    await timed(sign, () => signer.sign(message))
    await timed(libp2pSign, () => key.sign(message))
    await timed(verify, () => signer.verify(key.publicKey.raw, message, signature))
    await timed(libp2pVerify, () => key.publicKey.verify(message, signature))
  }
  yield compare('sign 512 B (theirs: @libp2p/crypto)', sign, libp2pSign)
  yield compare('verify 512 B (theirs: @libp2p/crypto)', verify, libp2pVerify)
}

function compare(name: string, mine: readonly number[] = [], other: readonly number[] = []): Line {
  const [ours, theirs] = [median(mine), median(other)]
  return { case: name, metric: 'rate', unit: '/s', ours, theirs, ratio: ours / theirs, raw: mine }
}
