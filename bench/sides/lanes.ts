// Sends small urgent messages while large ones flow to the same peer. Argument: in lanes of `@gridmesh/unicast`, or on
// one stream that both share.
import { once } from 'node:events'
import { unicast } from '@gridmesh/unicast'
import type { PeerId, Stream } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { bareOptions } from './bare-node.ts'
import { FramedReader, FramedWriter, readFrom, writeTo } from './framed-loop.ts'
import { serve } from './serve.ts'

const SHARED = '/bench/shared/1'
const URGENT_BYTES = 128
const LARGE_BYTES = 10 * 2 ** 20
/** As apps/node has it: what a stream has under way stands in front of all others. */
const WINDOW_BYTES = 2 ** 18

/** A way to send both. `urgent` returns at once; `large` when the next may go. */
interface Carrier {
  urgent(message: Uint8Array): void
  large(message: Uint8Array): Promise<void>
}

const how = process.argv[2] as 'lanes' | 'one-stream'
const node = await createLibp2p({
  ...bareOptions('noise'),
  streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: WINDOW_BYTES } })],
  services: { unicast: unicast() },
})
let carrier: Carrier | undefined
const bulk = { isOn: false }
let flowing: Promise<unknown> = Promise.resolve()
let largeBytes = 0
let delaysMicros: number[] = []

/** The clock of the machine, which both processes read. */
function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

function receive(message: Uint8Array): void {
  if (message.byteLength > URGENT_BYTES) largeBytes += message.byteLength
  else delaysMicros.push(nowMicros() - new DataView(message.buffer, message.byteOffset).getFloat64(0))
}

function inLanes(peer: PeerId): Carrier {
  const { unicast: service } = node.services
  return {
    urgent: (message) => void service.send(peer, 'message', message, { lane: 'critical' }),
    large: async (message) => void (await service.send(peer, 'message', message, { lane: 'bulk' })),
  }
}

function onOneStream(stream: Stream): Carrier {
  const writer = new FramedWriter(writeTo(stream))
  return {
    urgent: (message) => writer.push(message),
    async large(message) {
      writer.push(message)
      // The writer writes at the end of the turn.
      await Promise.resolve()
      if (stream.writeBufferLength > 0) await once(stream, 'idle')
    },
  }
}

async function flow(to: Carrier): Promise<void> {
  const message = new Uint8Array(LARGE_BYTES)
  while (bulk.isOn) await to.large(message)
}

serve({
  async listen(): Promise<string | undefined> {
    node.services.unicast.handle('message', receive)
    await node.handle(SHARED, (stream) => readFrom(stream, new FramedReader(receive)))
    return node.getMultiaddrs()[0]?.toString()
  },
  async connect(address: string): Promise<void> {
    const connection = await node.dial(multiaddr(address))
    carrier = how === 'lanes' ? inLanes(connection.remotePeer) : onOneStream(await connection.newStream(SHARED))
  },
  /** Starts or ends the flow of large messages: two under way, so that it never pauses. */
  async flow(isWanted: boolean): Promise<void> {
    bulk.isOn = isWanted
    if (carrier === undefined) throw new RangeError('This side is connected to nobody')
    if (isWanted) flowing = Promise.all([flow(carrier), flow(carrier)])
    else await flowing
  },
  /** Sends `count` urgent messages, one each `gapMs`. */
  async urgent(count: number, gapMs: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => setTimeout(resolve, gapMs))
      const message = new Uint8Array(URGENT_BYTES)
      new DataView(message.buffer).setFloat64(0, nowMicros())
      carrier?.urgent(message)
    }
  },
  /** Of the urgent messages received since the last call their delays, and of the large ones the bytes. */
  received(): { delaysMicros: number[]; largeBytes: number } {
    const answer = { delaysMicros, largeBytes }
    delaysMicros = []
    largeBytes = 0
    return answer
  },
  stop: async () => node.stop(),
})
