import { type DiscoveryService, bootstrap, discovery, peerExchange, stored } from '@gridmesh/discovery-coordinator'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { MemoryDatastore } from 'datastore-core'
import { createLibp2p } from 'libp2p'
import { afterAll, expect, it, vi } from 'vitest'

const soon = { timeout: 30_000, interval: 50 }
const SYBILS = 60
const TRIED_BUCKETS = 16
const SLOTS = 4
/** What the peers of one network group can reach: a sixteenth of the buckets. */
const SHARE = (TRIED_BUCKETS / 16) * SLOTS

const HONEST = ['127.10.0.1', '127.20.0.1', '127.30.0.1', '127.40.0.1']

const nodes: Libp2p[] = []
afterAll(() => Promise.all(nodes.map(async (node) => node.stop())))

interface Book {
  table: string
  addresses: string[]
}

async function makeNode(
  ip: string,
  parts: object = {},
): Promise<Libp2p<{ identify: Identify; discovery: DiscoveryService }>> {
  const node = await createLibp2p<{ identify: Identify; discovery: DiscoveryService }>({
    addresses: { listen: [`/ip4/${ip}/tcp/0`] },
    transports: [tcp()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 1_000 },
    services: {
      identify: identify(),
      discovery: discovery({ minPeers: 1, targetPeers: 1, strategies: [peerExchange()] }),
    },
    ...parts,
  })
  nodes.push(node)
  return node
}

it('remembers no more of an attacker that tells of its own swarm than the share of its network, and all honest peers', async () => {
  const honest = await Promise.all(HONEST.map((ip) => makeNode(ip)))
  const attacker = await makeNode('127.66.0.1')
  // The swarm is real: each of its ids answers, so each can be reached and remembered as such.
  const swarm: Libp2p[] = []
  for (let i = 0; i < SYBILS; i++) swarm.push(await makeNode(`127.66.${i + 1}.1`))
  for (const sybil of swarm) await sybil.dial(attacker.getMultiaddrs())

  const datastore = new MemoryDatastore()
  const list = [...honest, attacker].map((node) => String(node.getMultiaddrs()[0]))
  const strategies = [stored({ triedBuckets: TRIED_BUCKETS, slotsPerBucket: SLOTS }), bootstrap(list), peerExchange()]
  // It wants more peers than there are, so it dials whatever it is told of.
  const init = { minPeers: SYBILS * 2, targetPeers: SYBILS * 2, intervalMs: 100, strategies }
  const victim = await makeNode('127.50.0.1', {
    datastore,
    connectionManager: { maxConnections: 1_000, inboundConnectionThreshold: 1_000 },
    services: { identify: identify(), discovery: discovery(init) },
  })
  await vi.waitFor(() => {
    const peers = victim.getPeers().map(String)
    expect(peers.length).toBeGreaterThan(SYBILS / 2)
    expect(peers).toEqual(expect.arrayContaining(honest.map(({ peerId }) => String(peerId))))
  }, soon)
  await victim.stop()

  const books: Book[] = []
  for await (const { value } of datastore.query({ prefix: '/gridmesh/' })) {
    const entry = read(value)
    if (entry !== undefined) books.push(entry)
  }
  const isAt = ({ addresses }: Book, start: string): boolean => addresses.some((address) => address.startsWith(start))
  const ofSwarm = books.filter((book) => book.table === 'tried' && isAt(book, '/ip4/127.66.'))
  expect(ofSwarm.length).toBeGreaterThan(0)
  expect(ofSwarm.length).toBeLessThanOrEqual(SHARE)
  // By chance one may find its place among the tried taken; it waits among the others then.
  for (const start of HONEST) expect(books.some((book) => isAt(book, `/ip4/${start}`))).toBe(true)
})

/** What else the coordinator keeps is not of this form. */
function read(value: Uint8Array): Book | undefined {
  try {
    return JSON.parse(Buffer.from(value).toString()) as Book
  } catch {
    return undefined
  }
}
