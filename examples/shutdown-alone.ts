// Adds one package, @gridmesh/shutdown, to a plain libp2p node: steps run phase by phase, one that hangs is given up at
// its deadline, and the report says what became of each.
// Run: node examples/shutdown-alone.ts
import assert from 'node:assert/strict'
import { shutdown } from '@gridmesh/shutdown'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/requests/1'
const node = await createLibp2p({
  start: false,
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { shutdown: shutdown() },
})
const { shutdown: ending } = node.services
// Before anything is opened: what is open at the end and was not at this call is left over.
ending.checkLeftovers({
  checks: [{ name: 'connections', count: () => node.getConnections().length }],
  // libp2p's address manager keeps a timer of one second when a transport closes.
  settleMs: 2_000,
})
await node.start()
await node.handle(PROTOCOL, (stream) => stream.close())

// In any order: the phase decides.
const order: string[] = []
ending.register('flush', 'accounts', () => void order.push('flush'))
ending.register('close', 'libp2p', async () => {
  order.push('close')
  await node.stop()
})
ending.register('drain', 'a job that never ends', () => new Promise(() => order.push('drain')), { deadlineMs: 200 })
ending.register('stop-accepting', 'requests', async () => {
  order.push('stop-accepting')
  await node.unhandle(PROTOCOL)
})

// A program that ends on Ctrl-C calls `ending.handleSignals()` in place of this.
const report = await ending.run()
for (const { phase, name, outcome, tookMs, error } of report.steps) {
  console.log(
    `${phase} / ${name}: ${outcome} after ${tookMs.toFixed(0)} ms${error === undefined ? '' : `, ${error.message}`}`,
  )
}
console.log(`${report.clean ? 'clean' : 'not clean'} after ${report.tookMs.toFixed(0)} ms`)

assert.deepEqual(order, ['stop-accepting', 'drain', 'close', 'flush'])
const failed = report.steps.filter(({ outcome }) => outcome !== 'done')
assert.deepEqual(
  failed.map(({ name, outcome }) => [name, outcome]),
  [['a job that never ends', 'abandoned']],
)
assert.equal(node.status, 'stopped')
