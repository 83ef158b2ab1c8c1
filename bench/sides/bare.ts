// Requests over bare libp2p streams. Arguments: one kept stream or a stream for each request, and what encrypts.
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { type Ask, serveAsking } from './asking.ts'
import { bareNode, type EncrypterName } from './bare-node.ts'
import { FramedAsker, framedEcho, readFrom, writeTo } from './framed-loop.ts'

const KEPT = '/bench/kept/1'
const EACH = '/bench/each/1'

const [how, encrypter] = process.argv.slice(2) as ['kept' | 'each', EncrypterName]
const nodes: Libp2p[] = []
let own: Promise<Libp2p> | undefined

async function node(): Promise<Libp2p> {
  const created = await bareNode(encrypter)
  nodes.push(created)
  return created
}

/** All that comes until the other side has ended its own. */
async function collect(stream: Stream): Promise<Uint8Array> {
  const all = new Uint8ArrayList()
  for await (const bytes of stream) all.append(bytes)
  return all.subarray()
}

serveAsking({
  async listen(): Promise<string | undefined> {
    const listening = await node()
    await listening.handle(KEPT, (stream) => readFrom(stream, framedEcho(writeTo(stream))))
    const options = { maxInboundStreams: 1_024 }
    await listening.handle(
      EACH,
      async (stream) => {
        stream.send(await collect(stream))
        await stream.close()
      },
      options,
    )
    return listening.getMultiaddrs()[0]?.toString()
  },
  async connect(address: string): Promise<Ask> {
    const connection = await (await (own ??= node())).dial(multiaddr(address))
    if (how === 'kept') {
      const stream = await connection.newStream(KEPT)
      const asker = new FramedAsker(writeTo(stream))
      readFrom(stream, asker.reader)
      return (payload) => asker.ask(payload)
    }
    return async (payload) => {
      const stream = await connection.newStream(EACH, { maxOutboundStreams: 1_024 })
      const answer = collect(stream)
      stream.send(payload)
      await stream.close()
      return answer
    }
  },
  async stop(): Promise<void> {
    for (const each of nodes) await each.stop()
  },
})
