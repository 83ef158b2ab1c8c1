import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Lookup, NameResolver } from '../src/name-resolver.ts'
import { createNode, type Node, type NodeOptions } from './nodes.ts'
import { at } from './support.ts'

const log = defaultLogger().forComponent('test')
const nodes: Node[] = []

afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

async function start(options: NodeOptions = {}): Promise<Node> {
  const node = await createNode(options)
  nodes.push(node)
  return node
}

function portOf(node: Node): string {
  return at(node.getMultiaddrs(), 0).getComponents()[1]?.value ?? ''
}

async function resolve(address: string, lookup: Lookup): Promise<string[]> {
  return (await new NameResolver(lookup).resolve(multiaddr(address), { log })).map(String)
}

const never: Lookup = async () => new Promise(() => undefined)

const V4 = { address: '192.0.2.7', family: 4 }
const V6 = { address: '2001:db8::7', family: 6 }

describe('the resolver of names', () => {
  it('puts the addresses of a name in its place, and asks for the families that the address names', async () => {
    const asked: string[] = []
    const lookup: Lookup = async (name, family) => {
      asked.push(`${name} ${family}`)
      return [V4, V6]
    }
    expect(await resolve('/dns/peer.example/tcp/9', lookup)).toEqual(['/ip4/192.0.2.7/tcp/9', '/ip6/2001:db8::7/tcp/9'])
    await resolve('/dns4/peer.example/tcp/9', lookup)
    await resolve('/dns6/peer.example/tcp/9', lookup)
    expect(asked).toEqual(['peer.example 0', 'peer.example 4', 'peer.example 6'])
  })

  it('takes four addresses of a name, and none of a zone', async () => {
    const many = Array.from({ length: 9 }, (_, index) => ({ address: `192.0.2.${index}`, family: 4 }))
    const found = await resolve('/dns/a.example/tcp/9', async () => [{ address: 'fe80::1%eth0', family: 6 }, ...many])
    expect(found).toEqual([0, 1, 2, 3].map((index) => `/ip4/192.0.2.${index}/tcp/9`))
  })

  it('gives back a name that leads nowhere, and does not ask for it again in the same dial', async () => {
    const resolver = new NameResolver(async () => Promise.reject(new RangeError('ENOTFOUND')))
    const address = multiaddr('/dns4/nowhere.example/tcp/9')
    expect(resolver.canResolve(address)).toBe(true)
    expect(await resolver.resolve(address, { log })).toEqual([address])
    expect(resolver.canResolve(address)).toBe(false)
    expect(resolver.canResolve(multiaddr(address.toString()))).toBe(true)
  })

  it('waits 3 s for a name, and no longer than the dial', async () => {
    vi.useFakeTimers()
    const found = resolve('/dns4/slow.example/tcp/9', never)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await found).toEqual(['/dns4/slow.example/tcp/9'])

    const controller = new AbortController()
    const given = new NameResolver(never).resolve(multiaddr('/dns4/a.example/tcp/9'), {
      log,
      signal: controller.signal,
    })
    controller.abort(new RangeError('over'))
    await expect(given).rejects.toThrow('over')
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    '/ip4/192.0.2.1/tcp/9',
    '/dnsaddr/seed.example',
    '/dns4/a.example/tcp/443/tls/ws',
    '/dns4/a.example/tcp/443/wss',
    // Each name would double the addresses of the one before.
    '/ip4/192.0.2.1/tcp/9/p2p-circuit/dns4/a.example/tcp/9',
  ])('leaves %s alone', (address) => {
    expect(new NameResolver().canResolve(multiaddr(address))).toBe(false)
  })
})

describe('a dial by name', () => {
  it('counts towards the limit of the IP that the name leads to, however it is spelled', async () => {
    const node = await start({ init: { maxPerIp: 2 } })
    const spellings = ['0177.0.0.1', '2130706433', '127.0.00.01', '0x7f000001']
    const outcomes: string[] = []
    for (const host of spellings) {
      const peer = await start({ init: { exemptLoopback: true } })
      const addresses = [multiaddr(`/dns4/${host}/tcp/${portOf(peer)}`)]
      const dial = node.services.connectionPool.acquire(peer.peerId, { addresses })
      outcomes.push(
        await dial.then(
          ({ remoteAddr }) => remoteAddr.getComponents()[0]?.value ?? '',
          (err) => String(Object(err).code),
        ),
      )
    }
    expect(outcomes).toEqual(['127.0.0.1', '127.0.0.1', 'ip-full', 'ip-full'])
  })

  it('is one by IP whoever makes it, and where a dnsaddr leads to the name', async () => {
    const peer = await start({ init: { exemptLoopback: true } })
    const suffix = `p2p/${peer.peerId.toString()}`
    const named = `/dns4/localhost/tcp/${portOf(peer)}/${suffix}`
    const answers = { Answer: [{ name: '_dnsaddr.seed.example', type: 16, TTL: 1, data: `dnsaddr=${named}` }] }
    const dns = { query: async () => answers as never }
    for (const address of [named, `/dnsaddr/seed.example/${suffix}`]) {
      const node = await start({ init: { exemptLoopback: true }, dns })
      const { remoteAddr } = await node.dial(multiaddr(address))
      expect(remoteAddr.toString()).toBe(`/ip4/127.0.0.1/tcp/${portOf(peer)}/${suffix}`)
    }
  })
})
