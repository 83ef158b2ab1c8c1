import { randomBytes } from 'node:crypto'
import { encodeFrame, messageId } from '@gridmesh-internal/foreign'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ForeignProcess, GENERATIONS } from '../src/foreign-process.ts'
import { type Got, listen, meet, soon, wireTopic } from '../src/meeting.ts'
import { type OurNode, startOurNode } from '../src/our-node.ts'

const TOPIC = 'blocks'
/** Longest payload that travels in its frame: the default of `pullAboveBytes`. */
const MAX_PUSHED_BYTES = 262_144
/** Of two chunks, of three, of a whole number of them, and the longest: each has another shape of tree. */
const LENGTHS = [65_537, 131_073, 196_608, MAX_PUSHED_BYTES]

describe.each(GENERATIONS)('$name', (kind) => {
  let ours: OurNode
  let foreign: ForeignProcess
  let got: Got[]
  beforeAll(async () => {
    ;[ours, foreign] = await Promise.all([startOurNode(kind), ForeignProcess.start(kind)])
    got = listen(ours, TOPIC)
    await meet(ours, foreign, TOPIC)
  })
  afterAll(async () => {
    await foreign.kill()
    await ours.stop()
  })

  const publishForeign = (payload: Uint8Array) =>
    foreign.ask('publish', { topic: wireTopic(TOPIC), payload: Buffer.from(payload).toString('base64') })
  const violations = (): number => ours.services.peerManager.stats().reports['protocol-violation']

  it('agrees with us on the id of a payload of more than one chunk, whoever sends it', async () => {
    for (const length of LENGTHS) {
      const [ourPayload, theirPayload] = [randomBytes(length), randomBytes(length)]
      const { id } = await ours.services.broadcast.publish(TOPIC, ourPayload)
      await vi.waitFor(() => expect(foreign.told('message').at(-1)?.id).toBe(id), soon)
      expect(foreign.told('message').at(-1)?.payload).toBe(ourPayload.toString('base64'))

      await publishForeign(theirPayload)
      const data = encodeFrame(theirPayload, new Uint8Array())
      const theirId = Buffer.from(messageId({ topic: wireTopic(TOPIC), data })).toString('hex')
      await vi.waitFor(() => expect(got.at(-1)?.id).toBe(theirId), soon)
      expect(got.at(-1)?.payload).toBe(theirPayload.toString('base64'))
    }
  })

  it('is told of a longer payload, which it cannot pull, and gets what comes after it', async () => {
    const before = foreign.told('message').length
    await ours.services.broadcast.publish(TOPIC, randomBytes(MAX_PUSHED_BYTES + 1))
    await vi.waitFor(() => expect(foreign.told('judged').at(-1)?.verdict).toBe('Ignore'), soon)
    const { id } = await ours.services.broadcast.publish(TOPIC, randomBytes(10))
    await vi.waitFor(
      () =>
        expect(
          foreign
            .told('message')
            .slice(before)
            .map((told) => told.id),
        ).toEqual([id]),
      soon,
    )
    expect(violations()).toBe(0)
  })

  it('is blamed for sending a longer payload along, and heard with a shorter one', async () => {
    const before = got.length
    await publishForeign(randomBytes(MAX_PUSHED_BYTES + 1))
    const payload = randomBytes(10)
    await publishForeign(payload)
    await vi.waitFor(() => {
      expect(got.slice(before)).toMatchObject([{ payload: payload.toString('base64') }])
      expect(violations()).toBe(1)
    }, soon)
  })
})
