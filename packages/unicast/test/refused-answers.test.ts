import { FrameDecoder, Reassembler } from '@gridmesh/chunking'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PROTOCOLS } from '../src/constants.ts'
import type { UnicastInit } from '../src/index.ts'
import { decode, encodePayload, TYPE } from '../src/wire.ts'
import { bytes, collect, frames, heldBytes, items, node, pair, peerManagerStub } from './helpers.ts'

const KIB = 1_024
const stops: (() => Promise<void>)[] = []
const near = peerManagerStub()
const far = peerManagerStub()

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  near.reports.length = 0
  far.reports.length = 0
})

/** A caller and one that answers, with limits of their own. */
async function unequal(caller: UnicastInit, answerer: UnicastInit = {}) {
  const link = await pair(
    { init: caller, stubs: { peerManager: near } },
    { init: answerer, stubs: { peerManager: far } },
  )
  stops.push(link.stop)
  return link
}

/** Answers each question in the lane with the first frame of 190 KiB, and reads on. */
async function slowAnswerer() {
  const asker = await node({ maxMessageBytes: 200 * KIB, maxPartialBytesPerPeer: 300 * KIB }, { peerManager: near })
  const slow = await node()
  stops.push(
    async () => slow.stop(),
    async () => asker.stop(),
  )
  const refused: number[] = []
  for (const lane of ['normal', 'bulk'] as const) {
    await slow.unhandle(PROTOCOLS[lane])
    await slow.handle(PROTOCOLS[lane], (stream) => {
      const encode = frames()
      const decoder = new FrameDecoder(
        new Reassembler({
          onMessage: (question) => {
            const message = decode(question)
            const id = 'id' in message ? message.id : 0
            stream.send(encode(encodePayload(TYPE.response, id, new Uint8Array(190 * KIB))))
            return true
          },
          onLost: () => undefined,
          onRefused: (id) => refused.push(id),
        }),
      )
      stream.addEventListener('message', ({ data }) => decoder.decode(data.subarray()))
    })
  }
  await asker.dial(slow.getMultiaddrs())
  const ask = (lane: 'normal' | 'bulk'): void => {
    asker.services.unicast.request(slow.peerId, 'test', bytes(''), { lane }).catch(() => undefined)
  }
  return { asker, slow, ask, refused }
}

describe('an answer over the maxMessageBytes of its caller', () => {
  it.each([
    ['one frame', 1_000, 2_000],
    ['several frames', 64 * KIB, 400 * KIB],
  ])('fails its call by that limit, and nobody is blamed: of %s', async (_, maxMessageBytes, size) => {
    const link = await unequal({ maxMessageBytes })
    link.answer.handle('large', () => new Uint8Array(size))
    link.answer.handle('echo', (question) => question)
    await expect(link.call.request(link.b.peerId, 'large', bytes(''))).rejects.toMatchObject({
      name: 'RemoteError',
      code: 'message-too-large',
      limit: 'maxMessageBytes',
    })
    expect((await link.call.request(link.b.peerId, 'echo', bytes('on'))).byteLength).toBe(2)
    expect([near.reports, far.reports]).toEqual([[], []])
  })

  it('ends a streamed call, and is not left out of it, though it is the last item', async () => {
    const link = await unequal({ maxMessageBytes: 32 * KIB })
    link.answer.handleStream('test', async function* answers() {
      yield bytes('small')
      yield new Uint8Array(40 * KIB)
    })
    const answers = collect(link.call.requestStream(link.b.peerId, 'test', items()))
    await expect(answers).rejects.toMatchObject({ name: 'MessageRefusedError', code: 'message-too-large', by: 'us' })
    expect([near.reports, far.reports]).toEqual([[], []])
  })
})

it('ends a streamed call of which the far side refused an item', async () => {
  const link = await unequal({}, { maxMessageBytes: 32 * KIB })
  link.answer.handleStream('test', async function* count(source) {
    for await (const item of source) yield Uint8Array.of(item.byteLength)
  })
  const answers = collect(link.call.requestStream(link.b.peerId, 'test', items(bytes('1'), new Uint8Array(40 * KIB))))
  await expect(answers).rejects.toMatchObject({ name: 'MessageRefusedError', code: 'message-too-large', by: 'them' })
})

describe('answers of which a part has come', () => {
  it('are refused beyond maxPartialBytesPerPeer, and whoever gave them is not blamed', async () => {
    const { ask, refused } = await slowAnswerer()
    ask('normal')
    ask('bulk')
    await vi.waitFor(() => expect(refused).toHaveLength(1))
    expect(near.reports).toEqual([])
  })

  it('take no room of the questions of the same peer', async () => {
    const { asker, slow, ask } = await slowAnswerer()
    asker.services.unicast.handle('echo', (question) => question)
    ask('normal')
    await vi.waitFor(() => expect(heldBytes(asker)).toBeGreaterThan(190 * KIB))
    const answer = await slow.services.unicast.request(asker.peerId, 'echo', new Uint8Array(150 * KIB), {
      lane: 'high',
    })
    expect(answer.byteLength).toBe(150 * KIB)
    expect(near.reports).toEqual([])
  })
})
