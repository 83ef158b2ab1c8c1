import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ForeignProcess, GENERATIONS } from '../src/foreign-process.ts'
import { type Got, listen, meet, soon, wireTopic } from '../src/meeting.ts'
import { type OurNode, startOurNode } from '../src/our-node.ts'

const TOPIC = 'orders'
const PAYLOAD = Buffer.from('sell 3 kWh').toString('base64')
const PUBLISH = { topic: wireTopic(TOPIC), payload: PAYLOAD }

describe.each(GENERATIONS)('$name', (kind) => {
  let ours: OurNode
  let got: Got[]
  beforeEach(async () => {
    ours = await startOurNode(kind)
    got = listen(ours, TOPIC)
  })
  afterEach(() => ours.stop())

  it('tells of a message from before we met, and gives it to us when we ask for it by its id', async () => {
    const foreign = await ForeignProcess.start({ ...kind, isLazy: true })
    onTestFinished(() => foreign.kill())
    await foreign.ask('subscribe', { topic: wireTopic(TOPIC) })
    expect(await foreign.ask('publish', PUBLISH)).toEqual([])

    await ours.dial(multiaddr((await foreign.self).address))
    await vi.waitFor(() => expect(got).toMatchObject([{ payload: PAYLOAD, via: 'gossip' }]), soon)
    // Nobody pushed it: neither has the other in its mesh.
    expect(await foreign.ask('mesh', { topic: wireTopic(TOPIC) })).toEqual([])
    expect(ours.services.broadcast.mesh(TOPIC)).toEqual([])
  })

  it('is neither heard nor hears us while it signs its messages', async () => {
    const foreign = await ForeignProcess.start({ ...kind, isSigning: true })
    onTestFinished(() => foreign.kill())
    await meet(ours, foreign, TOPIC)
    expect(await foreign.ask('publish', PUBLISH)).toEqual([String(ours.peerId)])
    const delivery = await ours.services.broadcast.publish(TOPIC, Buffer.from('unsigned'))
    expect(delivery.peers.get((await foreign.self).peer)).toEqual({ status: 'sent' })

    // What follows on the same streams came through, so both messages were looked at before.
    listen(ours, 'later')
    await meet(ours, foreign, 'later')
    expect(got).toEqual([])
    expect(foreign.told('message')).toEqual([])
  })
})
