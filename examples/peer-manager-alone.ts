// Adds one package, @gridmesh/peer-manager, to a plain libp2p node: reports become reputation, a proved lie becomes a
// ban, the gater turns the banned peer away, and `explain` says in words how it came to that.
// Run: node examples/peer-manager-alone.ts
import assert from 'node:assert/strict'
import { banGater, type PeerBan, peerManager, type PeerManagerService } from '@gridmesh/peer-manager'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'

const base = () => ({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
})

// The gater refers to the node that it is part of, so the type has to be said.
const node: Libp2p<{ peerManager: PeerManagerService }> = await createLibp2p({
  ...base(),
  connectionGater: banGater(() => node.services.peerManager),
  services: { peerManager: peerManager() },
})
const { peerManager: peers } = node.services
const [helper, liar] = await Promise.all([createLibp2p(base()), createLibp2p(base())])
await Promise.all([node.dial(helper.getMultiaddrs()), node.dial(liar.getMultiaddrs())])
assert.equal(peers.stats().byState.connected, 2)

const banned = new Promise<PeerBan>((resolve) => {
  peers.addEventListener('peer:banned', ({ detail }) => resolve(detail), { once: true })
})
const cutOff = new Promise((resolve) => {
  node.addEventListener('peer:disconnect', resolve, { once: true })
})
peers.report(helper.peerId, { class: 'useful', evidence: 'brought block 7 first' })
peers.report(liar.peerId, { class: 'provable-lie', evidence: 'signed two blocks at height 7' })

const { reason, untilMs } = await banned
await cutOff
console.log(`the liar is banned for ${Math.round((untilMs - Date.now()) / 3_600_000)} h: ${reason}`)
for (const peer of [helper, liar]) {
  console.log(`reputation ${peers.reputation(peer.peerId).toFixed(1)}, ${peers.get(peer.peerId)?.state}, because:`)
  for (const line of peers.explain(peer.peerId)) console.log(`  ${line}`)
}
assert.ok(peers.reputation(helper.peerId) > 0)
assert.match(peers.explain(liar.peerId).join('\n'), /signed two blocks at height 7/)
assert.deepEqual(node.getPeers().map(String), [helper.peerId.toString()])

await assert.rejects(node.dial(liar.getMultiaddrs()), (err: Error) => {
  console.log(`dialling the liar: ${err.name}`)
  return err.name === 'DialDeniedError'
})

for (const each of [node, helper, liar]) await each.stop()
