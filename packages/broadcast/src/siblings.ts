import { optional } from '@gridmesh/interfaces'
import type { BroadcastComponents } from './index.ts'

type Name = 'connectionPool' | 'handshake' | 'peerManager' | 'rateLimiter' | 'unicast'
type Found = { readonly [N in Name]: BroadcastComponents[N] | undefined }

/** The services beside this one, where present. */
export class Siblings {
  readonly #components: BroadcastComponents
  #found: Found | undefined

  constructor(components: BroadcastComponents) {
    this.#components = components
  }

  /**
   * All services are constructed by now. Reading one that is absent costs libp2p an exception, so from here on which
   * there are is known, and not looked up for each message.
   */
  settle(): void {
    this.#found = this.#read()
  }

  /** The node was stopped, and may be started with others. */
  unsettle(): void {
    this.#found = undefined
  }

  get connectionPool(): Found['connectionPool'] {
    return (this.#found ?? this.#read()).connectionPool
  }

  get handshake(): Found['handshake'] {
    return (this.#found ?? this.#read()).handshake
  }

  get peerManager(): Found['peerManager'] {
    return (this.#found ?? this.#read()).peerManager
  }

  get rateLimiter(): Found['rateLimiter'] {
    return (this.#found ?? this.#read()).rateLimiter
  }

  get unicast(): Found['unicast'] {
    return (this.#found ?? this.#read()).unicast
  }

  #read(): Found {
    return {
      connectionPool: optional(this.#components, 'connectionPool'),
      handshake: optional(this.#components, 'handshake'),
      peerManager: optional(this.#components, 'peerManager'),
      rateLimiter: optional(this.#components, 'rateLimiter'),
      unicast: optional(this.#components, 'unicast'),
    }
  }
}
