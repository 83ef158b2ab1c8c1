import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions } from '@libp2p/interface'

/**
 * Bytes that may wait for a peer that does not read, beyond what the system takes. A muxer heeds a full connection, but for
 * its answers to pings and to streams that it refuses: 12 bytes each, for which a hundred times as much is held.
 */
const MAX_WAITING_BYTES = 262_144

/** The same secure channel, with connections that end where more than that waits, as those of our own Noise do. */
export function bounded<C>(create: (components: C) => ConnectionEncrypter): (components: C) => ConnectionEncrypter {
  return (components) => {
    const encrypter = create(components)
    for (const way of ['secureInbound', 'secureOutbound'] as const) {
      const secure = encrypter[way].bind(encrypter)
      encrypter[way] = async (connection: MessageStream, options?: SecureConnectionOptions) => {
        const secured = await secure(connection, options)
        secured.connection.maxWriteBufferLength = MAX_WAITING_BYTES
        return secured
      }
    }
    return encrypter
  }
}
