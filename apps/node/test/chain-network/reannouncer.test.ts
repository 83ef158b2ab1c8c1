import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type OwnTransaction, Reannouncer } from '../../src/chain-network/reannouncer.ts'

let own: OwnTransaction[]
let hasPeers: boolean
let announced: string[]
let reannouncer: Reannouncer

const transaction = (id: string, bytes = 10): OwnTransaction => ({ id, bytes: Buffer.alloc(bytes, id) })
const pass = async (seconds: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(seconds * 1_000)
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  own = []
  hasPeers = true
  announced = []
  reannouncer = new Reannouncer({
    own: () => own,
    hasPeers: () => hasPeers,
    announce: (bytes) => void announced.push(Buffer.from(bytes.subarray(0, 1)).toString()),
  })
  reannouncer.start()
})
afterEach(() => {
  reannouncer.stop()
  vi.useRealTimers()
})

it('announces a transaction again after ten seconds, then ever more rarely, up to two minutes', async () => {
  own = [transaction('a')]
  const times: number[] = []
  for (let second = 1; second <= 500; second++) {
    await pass(1)
    if (announced.splice(0).length > 0) times.push(second)
  }
  // Seen after one second.
  expect(times).toEqual([11, 31, 71, 151, 271, 391])
})

it('says nothing of what the mempool does not hold any more', async () => {
  own = [transaction('a'), transaction('b')]
  await pass(5)
  own = own.slice(1)
  await pass(6)
  expect(announced).toEqual(['b'])
})

it('counts no try while nobody would hear it, and begins as soon as somebody does', async () => {
  own = [transaction('a')]
  hasPeers = false
  await pass(300)
  expect(announced).toEqual([])
  hasPeers = true
  await pass(1)
  expect(announced).toEqual(['a'])
  await pass(19)
  expect(announced).toHaveLength(1)
  await pass(1)
  expect(announced).toHaveLength(2)
})

it('announces 32 in a round, those first that were announced least', async () => {
  own = Array.from({ length: 60 }, (_, i) => ({ id: `${i}`, bytes: Buffer.from([i]) }))
  const numbers: number[] = []
  reannouncer.stop()
  reannouncer = new Reannouncer({ own: () => own, hasPeers: () => true, announce: ([i = -1]) => void numbers.push(i) })
  reannouncer.start()
  await pass(11)
  expect(numbers).toEqual(Array.from({ length: 32 }, (_, i) => i))
  await pass(1)
  expect(numbers.slice(32)).toEqual(Array.from({ length: 28 }, (_, i) => i + 32))
  await pass(8)
  // Due for the first time when others are for the second.
  own = [...own, { id: 'new', bytes: Buffer.from([99]) }]
  await pass(11)
  expect(numbers.slice(60, 63)).toEqual([99, 0, 1])
  expect(numbers).toHaveLength(92)
})

it('announces 64 KiB in a round, and one that is longer alone', async () => {
  own = [transaction('a', 40_000), transaction('b', 25_536), transaction('c', 1), transaction('d', 70_000)]
  await pass(11)
  expect(announced).toEqual(['a', 'b'])
  await pass(1)
  expect(announced).toEqual(['a', 'b', 'c'])
  await pass(1)
  expect(announced).toEqual(['a', 'b', 'c', 'd'])
})

it('leaves no timer when it stops, and knows nothing when it starts again', async () => {
  own = [transaction('a')]
  await pass(10)
  reannouncer.stop()
  reannouncer.stop()
  expect(vi.getTimerCount()).toBe(0)
  await pass(60)
  reannouncer.start()
  reannouncer.start()
  await pass(10)
  expect(announced).toEqual([])
  await pass(1)
  expect(announced).toEqual(['a'])
})
