import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { bytes, collect, items, pair, text } from './helpers.ts'

let link: Awaited<ReturnType<typeof pair>>
const unheard = vi.fn<(reason: unknown) => void>()

beforeAll(async () => {
  link = await pair()
})
beforeEach(() => void process.on('unhandledRejection', unheard))
afterEach(() => {
  process.off('unhandledRejection', unheard)
  link.answer.unhandle('test')
})
afterAll(async () => link.stop())

/** A source that is no generator, and need not be written in TypeScript. */
function byHand(iterator: object): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => iterator as AsyncIterator<Uint8Array> }
}

function throwing(message: string): () => never {
  return () => {
    throw new RangeError(message)
  }
}

const letters = (): AsyncIterable<Uint8Array> => byHand(['a', 'b'].map(bytes).values())

const ask = (source: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> =>
  collect(link.call.requestStream(link.b.peerId, 'test', source))

it('takes a source that answers without a promise, on either side', async () => {
  link.answer.handleStream('test', async function* both(source) {
    yield* await collect(source)
    yield* letters()
  })
  expect((await ask(letters())).map(text)).toEqual(['a', 'b', 'a', 'b'])
  link.answer.unhandle('test')
  link.answer.handleStream('test', letters)
  expect((await ask(items())).map(text)).toEqual(['a', 'b'])
})

it('fails with what a source throws at once, on either side, and leaves no rejection unheard', async () => {
  link.answer.handleStream('test', () => byHand({ next: throwing('dry'), return: throwing('gone') }))
  await expect(ask(items())).rejects.toMatchObject({ name: 'RemoteError', message: 'dry' })
  await expect(ask(byHand({ next: throwing('own'), return: throwing('gone') }))).rejects.toThrow('own')
  await setImmediate()
  expect(unheard).not.toHaveBeenCalled()
})
