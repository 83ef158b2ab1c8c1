import type { IdentifyResult } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ForeignProcess, GENERATIONS } from '../src/foreign-process.ts'
import { listen, meet, soon, wireTopic } from '../src/meeting.ts'
import { startOurNode, welcome } from '../src/our-node.ts'

const TOPIC = 'orders'
const PAYLOAD = Buffer.from('sell 3 kWh')

it.each(GENERATIONS)('$name is heard before it is ready, and measured and flooded only after', async (kind) => {
  const [ours, foreign] = await Promise.all([startOurNode({ ...kind, isWelcoming: false }), ForeignProcess.start(kind)])
  onTestFinished(async () => {
    await foreign.kill()
    await ours.stop()
  })
  const { peer } = await foreign.self
  const id = peerIdFromString(peer)
  const identified = Promise.withResolvers<IdentifyResult>()
  ours.addEventListener('peer:identify', ({ detail }) => identified.resolve(detail), { once: true })
  const got = listen(ours, TOPIC)
  await meet(ours, foreign, TOPIC)

  await foreign.ask('publish', { topic: wireTopic(TOPIC), payload: PAYLOAD.toString('base64') })
  await vi.waitFor(() => expect(got).toHaveLength(1), soon)
  const flood = async () => ours.services.broadcast.publish(TOPIC, PAYLOAD, { strategy: 'flood' })
  expect([...(await flood()).peers]).toEqual([])
  expect(ours.services.peerManager.get(id)?.state).toBe('connected')
  expect(ours.services.health.snapshot()).toEqual([])

  welcome(ours, await identified.promise)
  await vi.waitFor(() => expect(ours.services.health.get(id)?.latency?.samples).toBeGreaterThan(0), soon)
  const delivery = await flood()
  await vi.waitFor(() => expect(delivery.peers.get(peer)).toEqual({ status: 'dropped', reason: 'unreachable' }), soon)
})
