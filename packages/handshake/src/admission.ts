import type { Hello, Reason } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import type { HandshakeInit } from './index.ts'
import { judge, type Judgement } from './judge.ts'
import type { Link } from './link.ts'
import type { Limits } from './options.ts'
import { reason, SHUTTING_DOWN } from './reasons.ts'

/** Decides whom we accept. */
export class Admission {
  readonly #limits: Limits
  readonly #authorise: HandshakeInit['authorise']
  readonly #links: ReadonlyMap<string, Link>
  readonly #log: Logger
  /** Nobody else is accepted. */
  isClosed = false

  constructor(init: HandshakeInit, limits: Limits, links: ReadonlyMap<string, Link>, log: Logger) {
    this.#limits = limits
    this.#authorise = init.authorise
    this.#links = links
    this.#log = log
  }

  /** Why a dialler is refused before it has said anything; `undefined` when it is heard. */
  turnAway(): Reason | undefined {
    if (this.isClosed) return SHUTTING_DOWN
    const { maxHandshakes } = this.#limits
    const talking = this.#count((link) => link.state === 'talking')
    if (talking < maxHandshakes) return undefined
    const message = `${talking} handshakes are in progress, at most ${maxHandshakes} are allowed`
    return reason('busy', message, { limit: 'maxHandshakes', value: maxHandshakes })
  }

  /** What we think of the peer on the other end of `link`, cheap checks first. */
  async decide(link: Link, ours: Hello, theirs: Hello, signal: AbortSignal): Promise<Judgement> {
    // We may have dialled just before.
    if (this.isClosed) return { ok: false, reason: SHUTTING_DOWN }
    const judgement = judge(ours, theirs, this.#limits)
    if (!judgement.ok) return judgement
    const refusal = this.#findDuplicate(link) ?? (await this.#claim(link, theirs, signal))
    return refusal == null ? judgement : { ok: false, reason: refusal }
  }

  #findDuplicate(link: Link): Reason | undefined {
    const { maxConnectionsPerPeer } = this.#limits
    const peer = link.connection.remotePeer
    const held = this.#count((other) => isHeld(other) && other !== link && other.connection.remotePeer.equals(peer))
    if (held < maxConnectionsPerPeer) return undefined
    const message = `${held} connections of this peer are ready, at most ${maxConnectionsPerPeer} are allowed`
    return reason('duplicate', message, { limit: 'maxConnectionsPerPeer', value: maxConnectionsPerPeer })
  }

  /** Holds the place before asking, or peers that come together would all find it free. */
  async #claim(link: Link, theirs: Hello, signal: AbortSignal): Promise<Reason | undefined> {
    link.isAccepted = true
    const refusal = await this.#askNetwork(theirs, link.connection.remotePeer, signal)
    link.isAccepted = refusal == null
    return refusal
  }

  async #askNetwork(theirs: Hello, peer: PeerId, signal: AbortSignal): Promise<Reason | undefined> {
    try {
      const answer = (await this.#authorise?.(theirs, peer, { signal })) ?? true
      return answer === true ? undefined : answer
    } catch (err) {
      // What was thrown may hold secrets, so it stays here.
      this.#log.error('authorise failed for %p, who is refused - %e', peer, err)
      return reason('unauthorised', 'this node could not check the credentials', { limit: 'authorise' })
    }
  }

  #count(fits: (link: Link) => boolean): number {
    let count = 0
    for (const link of this.#links.values()) if (fits(link)) count++
    return count
  }
}

function isHeld(link: Link): boolean {
  return link.isAccepted && link.state !== 'over'
}
