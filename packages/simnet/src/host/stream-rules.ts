import type { Connection, NewStreamOptions, Stream, StreamMiddleware } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'

/** As libp2p's registrar has them. */
export const DEFAULT_MAX_INBOUND_STREAMS = 32
export const DEFAULT_MAX_OUTBOUND_STREAMS = 64

function handlerOptions(protocol: string, registrar: Registrar): ReturnType<Registrar['getHandler']>['options'] {
  try {
    return registrar.getHandler(protocol).options
  } catch (err) {
    if (err instanceof Error && err.name === 'UnhandledProtocolError') return {}
    throw err
  }
}

export function inboundLimit(protocol: string, registrar: Registrar): number {
  return handlerOptions(protocol, registrar).maxInboundStreams ?? DEFAULT_MAX_INBOUND_STREAMS
}

export function outboundLimit(protocol: string, registrar: Registrar, options: NewStreamOptions): number {
  const own = handlerOptions(protocol, registrar).maxOutboundStreams
  return own ?? options.maxOutboundStreams ?? DEFAULT_MAX_OUTBOUND_STREAMS
}

export function countStreams(protocol: string, direction: Stream['direction'], streams: readonly Stream[]): number {
  return streams.filter((stream) => stream.direction === direction && stream.protocol === protocol).length
}

/** Hands a stream from one middleware to the next, as libp2p does. Returns what the last one made of it. */
export async function runMiddleware(
  stream: Stream,
  connection: Connection,
  middleware: readonly StreamMiddleware[],
): Promise<Stream> {
  let current = { stream, connection }
  for (const step of middleware) {
    const { promise, resolve, reject } = Promise.withResolvers<typeof current>()
    const next = (s: Stream, c: Connection): void => resolve({ stream: s, connection: c })
    Promise.resolve(step(current.stream, current.connection, next)).catch(reject)
    current = await promise
  }
  return current.stream
}
