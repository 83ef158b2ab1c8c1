// Replaces one module of a whole node, `broadcast`, by another that satisfies the same interface: here one that sends
// to each ready peer directly and passes nothing on, enough for a small, fully connected network.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broadcast, BroadcastHandler, Delivery, DeliveryOutcome, PeerManager, Unicast } from '@gridmesh/interfaces'
import { type GridmeshNode, createNode, energyKinds, loadNodeConfig, planDevnet, prepareFiles } from '@gridmesh/node'

class StarBroadcast implements Broadcast {
  readonly #components: { peerManager: PeerManager; unicast: Unicast }
  readonly #handlers = new Map<string, BroadcastHandler>()

  constructor(components: { peerManager: PeerManager; unicast: Unicast }) {
    this.#components = components
  }

  subscribe(topic: string, handler: BroadcastHandler): () => void {
    if (this.#handlers.size === 0) this.#components.unicast.handle('star', (bytes, { peer }) => this.#take(bytes, peer))
    this.#handlers.set(topic, handler)
    return () => {
      this.#handlers.delete(topic)
      if (this.#handlers.size === 0) this.#components.unicast.unhandle('star')
    }
  }

  async publish(topic: string, bytes: Uint8Array): Promise<Delivery> {
    const name = Buffer.from(topic)
    const frame = Buffer.concat([Uint8Array.of(name.length), name, bytes])
    const peers = new Map<string, DeliveryOutcome>()
    await Promise.all(
      this.#components.peerManager.select().map(async ({ id }) => {
        const sent = this.#components.unicast.send(id, 'star', frame)
        const outcome = sent.then(
          (): DeliveryOutcome => ({ status: 'acknowledged' }),
          (err: unknown): DeliveryOutcome => ({ status: 'dropped', reason: String(err) }),
        )
        peers.set(id.toString(), await outcome)
      }),
    )
    const reached = [...peers.values()].filter(({ status }) => status !== 'dropped').length
    const successRate = peers.size === 0 ? 1 : reached / peers.size
    return { id: idOf(frame), peers, successRate, confirmed: async () => reached }
  }

  async #take(frame: Uint8Array, from: Parameters<BroadcastHandler>[1]['from']): Promise<void> {
    const end = 1 + (frame[0] ?? 0)
    const topic = new TextDecoder().decode(frame.subarray(1, end))
    await this.#handlers.get(topic)?.(frame.subarray(end), { from, topic, id: idOf(frame), via: 'directed' })
  }
}

const idOf = (frame: Uint8Array): string => createHash('sha256').update(frame).digest('hex')

const data = mkdtempSync(join(tmpdir(), 'gridmesh-example-'))
const plan = planDevnet({ nodes: 2, baseHttp: 18_545, baseP2p: 19_000 })
const prepared = await prepareFiles(data, 'gridtokenx', plan)
const start = async (file: string): Promise<GridmeshNode> => {
  const { config } = loadNodeConfig({ file, profile: 'gridtokenx', flags: { 'logs.level': 'error' } })
  const node = await createNode({ config, modules: { broadcast: (components) => new StarBroadcast(components) } })
  await node.start()
  return node
}

const [egat, mea] = await Promise.all(prepared.map(({ config }) => start(config)))
if (egat === undefined || mea === undefined) throw new TypeError('two nodes were planned')
await egat.libp2p.services.peerManager.whenReady(mea.libp2p.peerId, { signal: AbortSignal.timeout(10_000) })

const arrived = new Promise<string>((resolve) =>
  mea.feed.subscribe(({ kind, zones }) => resolve(`${kind} for ${zones.join()}`)),
)
const expiresAtMs = Date.now() + 60_000
const order = {
  id: 'first',
  type: 'sell',
  priceSatangPerKwh: 400,
  quantityWh: 1_000,
  zone: 'bangkok',
  expiresAtMs,
} as const
const { delivery } = await egat.energy.publish(energyKinds['energy-order'], order)
process.stdout.write(`sent to ${delivery.peers.size} peer, success rate ${delivery.successRate}\n`)
process.stdout.write(`mea's feed has: ${await arrived}\n`)

await Promise.all([egat.stop(), mea.stop()])
rmSync(data, { recursive: true, force: true })
