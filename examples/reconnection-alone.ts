// Adds one package, @gridmesh/reconnection, to a plain libp2p node: a peer that goes away is dialled again, with ever
// longer waits, until it is back.
// Run: node examples/reconnection-alone.ts
import assert from 'node:assert/strict'
import { reconnection } from '@gridmesh/reconnection'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const base = () => ({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
})
const privateKey = await generateKeyPair('Ed25519')
const startBob = (listen: string) => createLibp2p({ ...base(), privateKey, addresses: { listen: [listen] } })

const bob = await startBob('/ip4/127.0.0.1/tcp/0')
const [address] = bob.getMultiaddrs().map(String)
assert.ok(address)

const alice = await createLibp2p({
  ...base(),
  // Addresses of peers that are worth waiting for: dialled from the start, and never given up. By default the
  // first wait is of up to a second, and the longest of five minutes; here shorter, so that the example is over soon.
  services: { reconnection: reconnection({ bootstrap: [address], initialDelayMs: 100, maxDelayMs: 500 }) },
})
const { reconnection: links } = alice.services
await new Promise<void>((resolve) => {
  alice.addEventListener('peer:connect', () => resolve(), { once: true })
  if (alice.getPeers().length > 0) resolve()
})
console.log('alice has dialled bob by herself')

const triedThrice = new Promise<void>((resolve) => {
  links.addEventListener('reconnection:attempt', ({ detail }) => {
    console.log(`attempt ${detail.attempt}`)
    if (detail.attempt === 3) resolve()
  })
})
const won = new Promise<{ attempts: number; awayMs: number }>((resolve) => {
  links.addEventListener('reconnection:success', ({ detail }) => resolve(detail), { once: true })
})
await bob.stop()
await triedThrice
const back = await startBob(address.replace(/\/p2p\/.*/, ''))
const { attempts, awayMs } = await won
console.log(`bob is back after ${attempts} attempts and ${awayMs.toFixed(0)} ms`)
for (const { what, reason } of links.state(bob.peerId)?.history ?? []) console.log(`  ${what}: ${reason}`)

assert.ok(attempts >= 3)
assert.deepEqual(alice.getPeers().map(String), [back.peerId.toString()])
assert.equal(links.state(bob.peerId)?.status, 'connected')

await alice.stop()
await back.stop()
