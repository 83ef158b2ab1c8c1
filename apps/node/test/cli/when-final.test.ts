import { expect, it, vi } from 'vitest'
import { NodeClient } from '../../src/cli/client.ts'
import { NodeRefusedError } from '../../src/cli/errors.ts'
import { whenFinal } from '../../src/cli/when-final.ts'

const ID = 'ab'.repeat(32)
const pending = { id: ID, status: 'pending', block: null }
const included = (hash: string, final: boolean) => ({ id: ID, status: 'included', block: { height: 7, hash, final } })

/** A client to which a node answers so, one after the other, and the last for good. */
function answering(...answers: (object | 'unknown' | 'down')[]): { client: NodeClient; looks: () => number } {
  const client = new NodeClient('http://node')
  let looks = 0
  vi.spyOn(client, 'get').mockImplementation(async () => {
    const answer = answers[Math.min(looks++, answers.length - 1)]
    if (answer === 'unknown') throw new NodeRefusedError('http://node', 404, 'unknown-transaction', 'no such')
    if (answer === 'down') throw new NodeRefusedError('http://node', 503, 'chain-gone', 'gone')
    return answer
  })
  return { client, looks: () => looks }
}

/** Waits in virtual time. */
async function waited(client: NodeClient, timeoutMs: number): Promise<{ result: unknown; blocks: string[] }> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const blocks: string[] = []
  try {
    const waiting = whenFinal(client, ID, { timeoutMs, onIncluded: ({ hash }) => blocks.push(hash) }).catch(
      (err: unknown) => err,
    )
    await vi.runAllTimersAsync()
    return { result: await waiting, blocks }
  } finally {
    vi.useRealTimers()
  }
}

it('ends with the first look at which the block is final, and tells each block it is in once', async () => {
  const last = included('b', true)
  const { client, looks } = answering(
    pending,
    included('a', false),
    included('a', false),
    pending,
    included('b', false),
    last,
  )
  expect(await waited(client, 60_000)).toEqual({ result: last, blocks: ['a', 'b'] })
  expect(looks()).toBe(6)
})

it('says after the time in which block it is that is not final, or that it is in none', async () => {
  const inBlock = await waited(answering(included('a', false)).client, 1_000)
  expect(inBlock.result).toMatchObject({
    name: 'NotInTimeError',
    message: expect.stringContaining('in block 7, which is not final'),
  })
  expect(String(inBlock.result)).toContain('After 1 s')
  const { client, looks } = answering(pending)
  expect((await waited(client, 1_000)).result).toMatchObject({ message: expect.stringContaining('in no block') })
  // At 0, 250, 500, 750 and 1,000 ms.
  expect(looks()).toBe(5)
})

it('bears eight looks in a row at which the node does not know it, and not nine', async () => {
  const missed = Array.from({ length: 8 }, () => 'unknown' as const)
  const last = included('a', true)
  expect((await waited(answering(...missed, pending, ...missed, last).client, 60_000)).result).toEqual(last)
  const { client, looks } = answering(...missed, 'unknown', last)
  expect((await waited(client, 60_000)).result).toMatchObject({
    name: 'NotInTimeError',
    message: expect.stringContaining('send it again'),
  })
  expect(looks()).toBe(9)
})

it('ends at once when the node refuses or is gone', async () => {
  const { client, looks } = answering('down')
  expect((await waited(client, 60_000)).result).toMatchObject({ name: 'NodeRefusedError', status: 503 })
  expect(looks()).toBe(1)
})
