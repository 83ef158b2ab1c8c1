import { NoiseHandshakeError } from './errors.ts'

/**
 * The first stream muxer of the initiator's list that both sides have (libp2p's "Stream multiplexer negotiation in
 * security handshake"), or none where a side names none and leaves it to multistream-select.
 *
 * @throws {NoiseHandshakeError} `no-common-muxer`
 */
export function chooseMuxer(initiators: readonly string[], responders: readonly string[]): string | undefined {
  if (initiators.length === 0 || responders.length === 0) return undefined
  const common = initiators.find((protocol) => responders.includes(protocol))
  if (common === undefined) {
    const message = `the initiator has ${quoted(initiators)}, and the responder ${quoted(responders)}`
    throw new NoiseHandshakeError('no-common-muxer', message)
  }
  return common
}

/** The first few, since one of the lists is a stranger's. */
function quoted(protocols: readonly string[]): string {
  return JSON.stringify(protocols.slice(0, 4).map((protocol) => protocol.slice(0, 40)))
}
