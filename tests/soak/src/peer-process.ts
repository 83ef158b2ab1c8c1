// One node of the soak in a process of its own: a node as in production, that works when told to.
import type { GridmeshNode } from '@gridmesh/node'
import { peerIdFromString } from '@libp2p/peer-id'
import type { FromPeer, ToPeer } from './messages.ts'
import { startNode } from './network.ts'
import { Worker } from './worker.ts'

// A parent that is gone hears nothing.
const tell = (message: FromPeer): void => void process.send?.(message, () => {})

let node: GridmeshNode | undefined
// Ctrl-C in a terminal is for the soak, which then stops its nodes. The channel closes however the soak went.
process.on('SIGINT', () => {})
process.on('disconnect', () => void stop())

node = await startNode(process.argv[2] ?? '')
const { peerManager } = node.libp2p.services
const worker = await Worker.attach(node)
process.on('message', (message: ToPeer) => void obey(message))
tell({ type: 'ready' })

async function stop(): Promise<void> {
  const report = await node?.stop()
  const left = report?.steps.filter(({ outcome }) => outcome !== 'done') ?? []
  for (const { name, outcome, error } of left) process.stderr.write(`${name} ${outcome}: ${error?.message ?? ''}\n`)
  process.exit(left.length === 0 ? 0 : 1)
}

async function obey(message: ToPeer): Promise<void> {
  if (message.type === 'work') {
    await worker.work(message.job)
    tell({ type: 'done', tally: worker.take() })
  } else {
    await Promise.all(message.with.map((id) => peerManager.whenReady(peerIdFromString(id))))
    await worker.greet(message.with)
    tell({ type: 'settled' })
  }
}
