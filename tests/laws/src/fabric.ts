import type { Connection, Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { Link, type LinkState } from './link.ts'

type TransportFactory = ReturnType<typeof tcp>

/**
 * The network between the nodes of one test. Each node dials as ever, and its TCP connections go over a proxy for that
 * pair of nodes, so that any two of them can be parted while they know nothing of it.
 */
export class Fabric {
  /** Who listens at a port: a node itself, or a proxy in front of it. */
  readonly #owners = new Map<number, string>()
  readonly #ports = new Map<string, number>()
  readonly #links = new Map<string, { pair: string; link: Promise<Link> }>()
  readonly #states = new Map<string, LinkState>()

  /** Says where a node listens, before anybody dials it. */
  register(name: string, port: number): void {
    this.#owners.set(port, name)
    this.#ports.set(name, port)
  }

  /** TCP as the node of this name sees it. */
  transport(from: string): TransportFactory {
    return (components) => {
      const plain: Transport = tcp()(components)
      const dial = plain.dial.bind(plain)
      plain.dial = async (to, options): Promise<Connection> => dial(await this.#detour(from, to), options)
      return plain
    }
  }

  /** Changes the link between two nodes, both ways, for what is open and for what comes. */
  async set(a: string, b: string, state: LinkState): Promise<void> {
    const pair = pairOf(a, b)
    this.#states.set(pair, state)
    const links = [...this.#links.values()].filter((one) => one.pair === pair)
    for (const { link } of links) (await link).set(state)
  }

  /** Changes the links of one node to all others. */
  async isolate(name: string, state: LinkState = 'cut'): Promise<void> {
    for (const other of this.#ports.keys()) if (other !== name) await this.set(name, other, state)
  }

  /** Opens the links within each group, and none between them. Who is in no group keeps its links. */
  async split(groups: readonly (readonly string[])[], state: Exclude<LinkState, 'open'> = 'cut'): Promise<void> {
    for (const [index, group] of groups.entries()) {
      for (const a of group) {
        for (const b of group) if (a < b) await this.set(a, b, 'open')
        for (const b of groups.slice(index + 1).flat()) await this.set(a, b, state)
      }
    }
  }

  /** Opens every link. */
  async heal(): Promise<void> {
    await this.split([[...this.#ports.keys()]])
  }

  async close(): Promise<void> {
    for (const { link } of this.#links.values()) await (await link).close()
  }

  async #detour(from: string, to: Multiaddr): Promise<Multiaddr> {
    const owner = this.#owners.get(portOf(to))
    if (owner === undefined) return to
    const { port } = await this.#link(from, owner)
    this.#owners.set(port, owner)
    return multiaddr(to.toString().replace(/\/tcp\/\d+/, `/tcp/${port}`))
  }

  #link(from: string, to: string): Promise<Link> {
    const key = `${from}>${to}`
    const pair = pairOf(from, to)
    const found = this.#links.get(key)
    if (found !== undefined) return found.link
    const link = Link.open(this.#ports.get(to) ?? 0, this.#states.get(pair) ?? 'open')
    this.#links.set(key, { pair, link })
    return link
  }
}

function pairOf(a: string, b: string): string {
  return [a, b].toSorted().join('|')
}

function portOf(address: Multiaddr): number {
  return Number(address.getComponents().find(({ name }) => name === 'tcp')?.value ?? 0)
}
