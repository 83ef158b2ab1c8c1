import { type Connection, TooManyInboundProtocolStreamsError } from '@libp2p/interface'
import type { HostContext } from './host-context.ts'
import type { SimStream } from './sim-stream.ts'
import { countStreams, inboundLimit, runMiddleware } from './stream-rules.ts'

/** Hands a stream that the peer opened to its handler; whatever this throws ends the stream. */
export async function acceptStream(host: HostContext, connection: Connection, stream: SimStream): Promise<void> {
  const { registrar, peerStore, metrics } = host
  const limit = inboundLimit(stream.protocol, registrar)
  if (countStreams(stream.protocol, 'inbound', connection.streams) > limit) {
    throw new TooManyInboundProtocolStreamsError(
      `Too many inbound protocol streams for protocol "${stream.protocol}" - limit ${limit}`,
    )
  }
  await peerStore.merge(connection.remotePeer, { protocols: [stream.protocol] })
  metrics?.trackProtocolStream(stream)
  const { handler } = registrar.getHandler(stream.protocol)
  const wrapped = await runMiddleware(stream, connection, registrar.getMiddleware(stream.protocol))
  await handler(wrapped, connection)
}
