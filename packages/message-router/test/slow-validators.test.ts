import type { MessageContext, Verdict } from '@gridmesh/interfaces'
import { expect, it, vi } from 'vitest'
import { order, quote, startPair, vote } from './support/setup.ts'

/** A validator that answers when it is told to. */
function slowValidator(): { validate: () => Promise<Verdict>; answers: ((verdict: Verdict) => void)[] } {
  const answers: ((verdict: Verdict) => void)[] = []
  const validate = async (): Promise<Verdict> => {
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    answers.push(resolve)
    return promise
  }
  return { validate, answers }
}

it.each([
  [['accept'], 'accept', [0]],
  [['ignore'], 'ignore', []],
  [['reject'], 'reject', []],
  [['accept', 'ignore', 'accept'], 'accept', [0, 2]],
  [['ignore', 'ignore'], 'ignore', []],
  [['accept', 'reject', 'accept'], 'reject', []],
] satisfies [Verdict[], Verdict, number[]][])(
  'answers a batch judged %j with %s, once all are judged',
  async (verdicts, expected, handled) => {
    const [alice, bob] = await startPair()
    const { validate, answers } = slowValidator()
    const prices: number[] = []
    bob.router.on(order, ({ price }) => void prices.push(price), { validate })
    const published = Promise.all(verdicts.map((_, price) => alice.router.broadcast(order, { price })))
    await vi.waitFor(() => expect(answers).toHaveLength(verdicts.length))
    expect([bob.carriers.verdicts, prices]).toEqual([[], []])
    // Last first: the order of the batch holds all the same.
    for (const [i, verdict] of [...verdicts.entries()].toReversed()) answers[i]?.(verdict)
    await published
    await vi.waitFor(() => expect(bob.carriers.verdicts).toEqual([expected]))
    await vi.waitFor(() => expect(prices).toEqual(handled))
    expect(bob.refused.map(({ code }) => code)).toEqual(expected === 'reject' ? ['invalid'] : [])
  },
)

it('takes a validator that rejects for its own fault, and blames nobody', async () => {
  const [alice, bob] = await startPair()
  bob.router.on(vote, () => {}, { validate: async () => Promise.reject(new RangeError('no')) })
  await alice.router.broadcast(vote, { price: 1 })
  await vi.waitFor(() => expect(bob.carriers.verdicts).toEqual(['ignore']))
  expect(bob.refused).toMatchObject([{ kind: 'vote', code: 'validator-threw' }])
  expect(bob.peerManager.reports).toEqual([])
})

it('leaves no rejection unheard where a later message of a batch is refused at once', async () => {
  const [alice, bob] = await startPair()
  bob.router.on(order, () => {}, {
    validate: ({ price }) => (price === 0 ? Promise.reject(new RangeError('late')) : 'reject'),
  })
  await Promise.all([0, 1].map((price) => alice.router.broadcast(order, { price })))
  await vi.waitFor(() => expect(bob.carriers.verdicts).toEqual(['reject']))
})

it('hands over nothing that was judged after it stopped', async () => {
  const [alice, bob] = await startPair()
  const { validate, answers } = slowValidator()
  const prices: number[] = []
  bob.router.on(vote, ({ price }) => void prices.push(price), { validate })
  const published = alice.router.broadcast(vote, { price: 1 })
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  await bob.router.beforeStop()
  await bob.router.stop()
  answers[0]?.('accept')
  await published
  await vi.waitFor(() => expect(bob.carriers.verdicts).toEqual(['ignore']))
  expect(prices).toEqual([])
})

/** A validator that never answers, and whether it was told to give up. */
function hungValidator(): {
  validate: (_: unknown, context: MessageContext) => Promise<Verdict>
  signals: AbortSignal[]
} {
  const signals: AbortSignal[] = []
  const validate = async (_: unknown, { signal }: MessageContext): Promise<Verdict> => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  return { validate, signals }
}

it('waits for a validator no longer than for a handler, tells it and the sender, and blames nobody', async () => {
  const [alice, bob] = await startPair({ handlerTimeoutMs: 20 })
  const { validate, signals } = hungValidator()
  bob.router.on(order, () => {}, { validate })
  bob.router.respond(quote, (value) => value, { validate })
  const outcomes = await Promise.allSettled([
    alice.router.send(bob.peerId, order, { price: 1 }),
    alice.router.request(bob.peerId, quote, { price: 2 }),
    alice.router.broadcast(order, { price: 3 }),
  ])
  const reason = { code: 'validator-timeout', limit: 'handlerTimeoutMs', value: 20 }
  expect(outcomes).toMatchObject([{ reason }, { reason }, { status: 'fulfilled' }])
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
  expect(bob.carriers.verdicts).toEqual(['ignore'])
  expect(bob.refused.map(({ code }) => code)).toEqual(['validator-timeout', 'validator-timeout', 'validator-timeout'])
  expect(bob.peerManager.reports).toEqual([])
})

it('does not listen for its stop anew with each validator that it waits for', async () => {
  const [alice, bob] = await startPair()
  const { validate, answers } = slowValidator()
  bob.router.on(order, () => {}, { validate })
  const listened = vi.spyOn(EventTarget.prototype, 'addEventListener')
  try {
    const published = Promise.all(Array.from({ length: 50 }, (_, price) => alice.router.broadcast(order, { price })))
    await vi.waitFor(() => expect(answers).toHaveLength(50))
    expect(listened.mock.calls.filter(([type]) => type === 'abort')).toEqual([])
    for (const answer of answers) answer('accept')
    await published
  } finally {
    listened.mockRestore()
  }
})

it('waits for no validator once it has stopped, and leaves no timer', async () => {
  const [alice, bob] = await startPair()
  const { validate, signals } = hungValidator()
  bob.router.on(vote, () => {}, { validate })
  vi.useFakeTimers()
  try {
    const outcomes = Promise.allSettled([
      alice.router.send(bob.peerId, vote, { price: 1 }),
      alice.router.broadcast(vote, { price: 2 }),
    ])
    await vi.waitFor(() => expect(signals).toHaveLength(2))
    await bob.router.stop()
    expect(await outcomes).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled' }])
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
  expect([bob.carriers.verdicts, bob.refused]).toEqual([['ignore'], []])
})

it.each(['accept', 'ignore', 'reject'] satisfies Verdict[])(
  'receives a message and a request for one node once they are judged: %s',
  async (verdict) => {
    const [alice, bob] = await startPair()
    const prices: number[] = []
    const validate = async (): Promise<Verdict> => Promise.resolve(verdict)
    bob.router.on(order, ({ price }) => void prices.push(price), { validate })
    bob.router.respond(quote, ({ price }) => ({ price: price + 1 }), { validate })
    const outcomes = await Promise.allSettled([
      alice.router.send(bob.peerId, order, { price: 1 }),
      alice.router.request(bob.peerId, quote, { price: 2 }),
    ])
    const code = { accept: undefined, ignore: 'ignored', reject: 'invalid' }[verdict]
    expect(outcomes).toMatchObject(
      code === undefined
        ? [{ status: 'fulfilled' }, { status: 'fulfilled', value: { price: 3 } }]
        : [{ reason: { code } }, { reason: { code } }],
    )
    await vi.waitFor(() => expect(prices).toEqual(verdict === 'accept' ? [1] : []))
  },
)
