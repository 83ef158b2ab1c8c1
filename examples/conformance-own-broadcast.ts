// Writes a module of its own, a broadcast that compresses what it carries, and holds it to the contract: every case of
// the suite must pass. Then it forgets to decompress, and the suite says what that breaks.
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Broadcast, BroadcastHandler, Delivery, PublishOptions, SubscribeOptions } from '@gridmesh/interfaces'
import { type BroadcastHarness, broadcastConformance } from '@gridmesh/interfaces/conformance'
import { memoryBroadcast, memoryHub } from '@gridmesh/memory-broadcast'
import { createLibp2p } from 'libp2p'

const MAX_BYTES = 1_000_000

/** Compresses on the way out and decompresses on the way in; all else is done by the broadcast inside. */
class CompressingBroadcast implements Broadcast {
  readonly #inner: Broadcast

  constructor(inner: Broadcast) {
    this.#inner = inner
  }

  subscribe(topic: string, handler: BroadcastHandler, options?: SubscribeOptions): () => void {
    const take: BroadcastHandler = (bytes, context) => {
      const payload = this.decompress(bytes)
      return payload === undefined ? 'reject' : handler(payload, context)
    }
    return this.#inner.subscribe(topic, take, options)
  }

  async publish(topic: string, bytes: Uint8Array, options?: PublishOptions): Promise<Delivery> {
    if (bytes.length > MAX_BYTES) throw new RangeError(`${bytes.length} bytes are more than ${MAX_BYTES}`)
    return this.#inner.publish(topic, deflateRawSync(bytes), options)
  }

  /** `undefined` for what is not compressed, or would be larger than anybody may publish. */
  decompress(bytes: Uint8Array): Uint8Array | undefined {
    try {
      return new Uint8Array(inflateRawSync(bytes, { maxOutputLength: MAX_BYTES }))
    } catch {
      return undefined
    }
  }
}

class ForgetfulBroadcast extends CompressingBroadcast {
  override decompress(bytes: Uint8Array): Uint8Array {
    return bytes
  }
}

/** Networks of libp2p nodes that have the broadcast in the place of any other. */
function harnessFor(create: new (inner: Broadcast) => Broadcast, patienceMs: number): BroadcastHarness {
  return {
    create: async (count, { deliveryLifetimeMs }) => {
      const hub = memoryHub(deliveryLifetimeMs === undefined ? {} : { deliveryLifetimeMs })
      const startNode = () => createLibp2p({ services: { inner: memoryBroadcast(hub) } })
      const started = await Promise.all(Array.from({ length: count }, startNode))
      return {
        nodes: started.map(({ peerId, services }) => ({ peerId, broadcast: new create(services.inner) })),
        stop: async () => {
          for (const node of started) await node.stop()
        },
      }
    },
    // Nobody has to pass anything on where each node reaches each other.
    relays: false,
    maxMessageBytes: MAX_BYTES,
    patienceMs,
  }
}

/** The names of the cases that fail, with the reason. */
async function failures(harness: BroadcastHarness): Promise<string[]> {
  const suite = broadcastConformance(harness)
  const ends = await Promise.allSettled(suite.map(({ run }) => run()))
  process.stdout.write(`${suite.length} cases, `)
  return ends.flatMap((end, index) => (end.status === 'rejected' ? [`${suite[index]?.name}: ${end.reason}`] : []))
}

const broken = await failures(harnessFor(CompressingBroadcast, 10_000))
if (broken.length > 0) throw new TypeError(`it breaks its contract:\n${broken.join('\n')}`)
process.stdout.write('and the broadcast that compresses passes them all\n')

// What does not come is given up soon here, since it is known not to come.
const found = await failures(harnessFor(ForgetfulBroadcast, 500))
if (found.length === 0) throw new TypeError('the suite found nothing wrong with it')
process.stdout.write(`and the forgetful one fails ${found.length}, the first of them:\n${found[0]}\n`)
