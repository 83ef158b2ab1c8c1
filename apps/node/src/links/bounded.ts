import {
  type ConnectionEncrypter,
  type MessageStream,
  type SecureConnectionOptions,
  StreamBufferError,
} from '@libp2p/interface'

/**
 * Writes that may wait for a peer that does not read, as on a connection of our own Noise. A muxer heeds a full connection,
 * and each of its streams writes once more at most, but for its answers to pings and to streams that it refuses. They are
 * counted, and not their bytes: some streams at once are soon more bytes than any number of answers of 12.
 */
const MAX_UNHEEDED_WRITES = 16_384

/** The same secure channel, with connections that end where more writes than that wait. */
export function bounded<C>(create: (components: C) => ConnectionEncrypter): (components: C) => ConnectionEncrypter {
  return (components) => {
    const encrypter = create(components)
    for (const way of ['secureInbound', 'secureOutbound'] as const) {
      const secure = encrypter[way].bind(encrypter)
      encrypter[way] = async (connection: MessageStream, options?: SecureConnectionOptions) => {
        const secured = await secure(connection, options)
        countUnheeded(secured.connection)
        return secured
      }
    }
    return encrypter
  }
}

function countUnheeded(connection: MessageStream): void {
  const send = connection.send.bind(connection)
  let unheeded = 0
  connection.send = (data) => {
    unheeded = connection.writeBufferLength === 0 ? 0 : unheeded + 1
    if (unheeded <= MAX_UNHEEDED_WRITES) return send(data)
    connection.abort(new StreamBufferError(`${MAX_UNHEEDED_WRITES} writes wait for a peer that does not read them`))
    return false
  }
}
