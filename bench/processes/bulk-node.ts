// One node of a benchmark: a node as in production, that also moves 10 MB payloads to its peers when told to.
import { createNode, energyKinds, loadNodeConfig } from '@gridmesh/node'

/** What the benchmark tells the node. */
export type ToNode = { type: 'bulk'; on: boolean } | { type: 'emergency'; id: string }
/** What the node tells the benchmark. Times are of the machine's monotonic clock, in ns. */
export type FromNode =
  | { type: 'ready' }
  | { type: 'peers'; count: number }
  | { type: 'sent' | 'seen'; id: string; atNs: string }
  | { type: 'moved'; bytes: number }

const BULK = 'bench-bulk'
const payload = new Uint8Array(10_000_000)

// A parent that is gone hears nothing; the node stops when the channel closes.
const tell = (message: FromNode): void => void process.send?.(message, () => {})

const flags = { 'limits.bytesPerSecond': 1e9, 'limits.bytesBurst': 1e9, 'logs.level': 'error' }
const { config } = loadNodeConfig({ file: process.argv[2], profile: 'gridtokenx', flags })
const node = await createNode({ config })
const { unicast, peerManager } = node.libp2p.services
node.feed.subscribe(({ kind, value }) => {
  if (kind !== 'grid-emergency') return
  tell({ type: 'seen', id: (value as { id: string }).id, atNs: String(process.hrtime.bigint()) })
})
await node.start()
unicast.handle(BULK, (bytes) => tell({ type: 'moved', bytes: bytes.length }))
const count = setInterval(() => tell({ type: 'peers', count: peerManager.select().length }), 50)

const bulk = { on: false }
process.on('message', (message: ToNode) => {
  if (message.type === 'emergency') void warn(message.id)
  else {
    bulk.on = message.on
    if (bulk.on) for (const { id } of peerManager.select()) void move(id)
  }
})
process.on('disconnect', () => {
  clearInterval(count)
  bulk.on = false
  void node.stop().then(() => process.exit())
})
tell({ type: 'ready' })

async function warn(id: string): Promise<void> {
  tell({ type: 'sent', id, atNs: String(process.hrtime.bigint()) })
  await node.energy.publish(energyKinds['grid-emergency'], {
    id,
    severity: 'critical',
    zones: ['bangkok'],
    requiredAction: 'reduce-load',
    message: '',
  })
}

async function move(peer: (typeof node)['libp2p']['peerId']): Promise<void> {
  while (bulk.on) {
    await unicast.send(peer, BULK, payload, { lane: 'bulk', deadlineMs: 60_000 }).catch(() => {})
  }
}
