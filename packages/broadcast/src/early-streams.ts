import type { PeerId, Stream } from '@libp2p/interface'

/** A stream that waits for its peer to be ready. */
interface Waiting {
  peer: PeerId
  resolve: (isReady: boolean) => void
}

/** The streams of peers that are not ready yet. Nothing of what comes on them is read until they are. */
export class EarlyStreams {
  readonly #isReady: (peer: PeerId) => boolean
  readonly #waiting = new Set<Waiting>()

  constructor(isReady: (peer: PeerId) => boolean) {
    this.#isReady = isReady
  }

  /** Resolves with whether the peer is ready, which is then, or with `false` once the stream has ended or `refuse` is called. */
  async admit(stream: Stream, peer: PeerId): Promise<boolean> {
    if (this.#isReady(peer)) return true
    if (stream.status !== 'open') return false
    // Or what comes would be gathered without a limit.
    if (stream.readStatus === 'readable') stream.pause()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const waiting = { peer, resolve }
    this.#waiting.add(waiting)
    const onClose = (): void => resolve(false)
    stream.addEventListener('close', onClose, { once: true })
    const isReady = await promise
    this.#waiting.delete(waiting)
    stream.removeEventListener('close', onClose)
    if (isReady && stream.readStatus === 'paused') stream.resume()
    return isReady
  }

  /** Lets those go on whose peers are ready by now. */
  review(): void {
    for (const { peer, resolve } of this.#waiting) if (this.#isReady(peer)) resolve(true)
  }

  /** Nobody is waited for any longer. */
  refuse(): void {
    for (const { resolve } of this.#waiting) resolve(false)
  }
}
