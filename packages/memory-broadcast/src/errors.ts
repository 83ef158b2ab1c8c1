/** The message is longer than `maxMessageBytes`. */
export class MessageTooLargeError extends RangeError {
  static override readonly name = 'MessageTooLargeError'
  override readonly name = 'MessageTooLargeError'
  readonly code = 'message-too-large'
  readonly limit = 'maxMessageBytes'
  /** Value of the limit, in bytes. */
  readonly value: number
  /** Length of the message, in bytes. */
  readonly byteLength: number

  constructor(byteLength: number, value: number) {
    super(`A message of ${byteLength} bytes is over maxMessageBytes, which is ${value}`)
    this.byteLength = byteLength
    this.value = value
  }
}

/** A directed publish names its peers by a query, and there is no peer manager to answer it. */
export class PeerQueryUnavailableError extends Error {
  static override readonly name = 'PeerQueryUnavailableError'
  override readonly name = 'PeerQueryUnavailableError'
  readonly code = 'no-peer-manager'

  constructor() {
    super('Peers given as a query need the service peerManager; give peer ids instead')
  }
}
