// What all sides of the benchmark `unicast` offer, whatever carries their requests.
import { median } from '../report.ts'
import { serve } from './serve.ts'

/** Asks one peer, which answers with the bytes it was asked with. */
export type Ask = (payload: Uint8Array) => Promise<Uint8Array>

/** A way to ask and to answer. */
export interface Asking {
  /** Starts one more peer that answers. Returns where to. */
  listen(): Promise<unknown>
  /** Connects to a peer that `listen` started in another process. */
  connect(address: never): Promise<Ask>
  stop?(): Promise<void>
}

/** Requests answered within some time, and that time. */
export interface Answered {
  requests: number
  ms: number
}

/** Offers the calls of a side over `asking`: some sides answer, one asks. */
export function serveAsking(asking: Asking): void {
  const peers: Ask[] = []
  serve({
    async listen(count: number): Promise<unknown[]> {
      const addresses: unknown[] = []
      for (let i = 0; i < count; i++) addresses.push(await asking.listen())
      return addresses
    },
    async connect(addresses: readonly never[]): Promise<void> {
      for (const address of addresses) {
        const ask = await asking.connect(address)
        await check(ask)
        peers.push(ask)
      }
    },
    oneByOne: async (ms: number, bytes: number) => oneByOne(peers, ms, bytes),
    inFlight: async (ms: number, bytes: number, width: number) => inFlight(peers, ms, bytes, width),
    stop: async () => asking.stop?.(),
  })
}

/** One request after the other. Returns the median time of one, in µs. */
async function oneByOne(peers: readonly Ask[], ms: number, bytes: number): Promise<number> {
  const payload = randomBytes(bytes)
  const took: number[] = []
  const end = performance.now() + ms
  let start = performance.now()
  while (start < end) {
    await peer(peers, took.length)(payload)
    const now = performance.now()
    took.push((now - start) * 1_000)
    start = now
  }
  return median(took)
}

/** Keeps `width` requests under way, over all peers in turn. */
async function inFlight(peers: readonly Ask[], ms: number, bytes: number, width: number): Promise<Answered> {
  const payload = randomBytes(bytes)
  const start = performance.now()
  const end = start + ms
  let asked = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const answer = await peer(peers, asked++)(payload)
      if (answer.byteLength !== bytes) throw new RangeError(`${answer.byteLength} bytes in answer to ${bytes}`)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return { requests: asked, ms: performance.now() - start }
}

/** An answer must be what was asked, byte by byte. */
async function check(ask: Ask): Promise<void> {
  const payload = randomBytes(1_000)
  const answer = await ask(payload)
  if (!Buffer.from(payload).equals(answer)) throw new RangeError('An answer is not what was asked')
}

function peer(peers: readonly Ask[], turn: number): Ask {
  const ask = peers[turn % peers.length]
  if (ask === undefined) throw new RangeError('This side is connected to nobody')
  return ask
}

/** Not to be compressed. */
function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}
