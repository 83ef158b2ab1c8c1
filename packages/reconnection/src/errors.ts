/** The peer is banned by our own peer manager, so it is not dialled. */
export class PeerBannedError extends Error {
  static override readonly name = 'PeerBannedError'
  override readonly name = 'PeerBannedError'
  readonly code = 'peer-banned'

  constructor(peer: string) {
    super(`${peer} is banned`)
  }
}
