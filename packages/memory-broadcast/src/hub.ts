import type { MemoryHubInit } from './index.ts'
import type { Member } from './member.ts'
import { type HubOptions, resolveOptions } from './options.ts'

/** Where the nodes of one process meet. */
export class MemoryHub {
  readonly options: HubOptions
  readonly #members = new Map<string, Member>()

  /** @throws {RangeError} when an option makes no sense */
  constructor(init: MemoryHubInit = {}) {
    this.options = resolveOptions(init)
  }

  /** Peer id strings of the nodes that are on the hub now. */
  get peers(): string[] {
    return [...this.#members.keys()]
  }

  /** All nodes but one. */
  othersThan(member: Member): Member[] {
    return [...this.#members.values()].filter((other) => other !== member)
  }

  find(peer: string): Member | undefined {
    return this.#members.get(peer)
  }

  /** @throws {RangeError} when another node with this peer id is on the hub */
  join(member: Member): void {
    const key = member.peerId.toString()
    if (this.#members.has(key)) throw new RangeError(`peer ${key} is on the hub already`)
    this.#members.set(key, member)
  }

  leave(member: Member): void {
    this.#members.delete(member.peerId.toString())
  }
}
