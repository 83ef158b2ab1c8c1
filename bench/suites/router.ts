import type { Bench, Line } from '../report.ts'
import { alone, beside, inTurns } from '../rounds.ts'
import { MemoryPath } from '../router-memory.ts'
import { Side } from '../side.ts'

const ROUNDS = 5
const MESSAGE_BYTES = 128
const SENT_ONE_BY_ONE = 12_000
const SENT_IN_BATCHES = 400_000
const IN_FLIGHT = 256
/**
 * As many as the receiver's queue takes. A receipt waits 20 ms for others to go with it (`ackDelayMs`), so with fewer the
 * sender would wait for receipts, and both processors would idle.
 */
const IN_FLIGHT_BATCHED = 16_384
const VERIFY_MS = 1_000

/** The full path of a message: in memory, and between two processes over TCP, beside what one core can verify. */
export const bench: Bench = {
  about:
    'messages of 128 B, sealed, opened, limited, judged and handled; theirs: ed25519 by libsodium alone on one core',
  async *run() {
    yield* inMemory()
    yield* overTcp()
  },
}

async function* inMemory(): AsyncIterable<Line> {
  const verifier = await Side.start(new URL('../sides/router-verify.ts', import.meta.url))
  const path = await MemoryPath.start()
  try {
    const raw = await inTurns(
      {
        unbatched: () => path.send(4_000, MESSAGE_BYTES),
        batched: () => path.sendBatched(60_000, MESSAGE_BYTES),
        verify: () => verifier.call<number>('verify', VERIFY_MS),
      },
      ROUNDS,
    )
    const what = { metric: 'rate', unit: '/s' }
    const other = { name: 'verify only', raw: raw.verify }
    yield beside({ ...what, case: 'seal, open, dispatch in this process' }, raw.unbatched, other)
    yield beside({ ...what, case: 'the same in batches of 64 KiB' }, raw.batched, other)
  } finally {
    await path.stop()
    await verifier.stop()
  }
}

async function* overTcp(): AsyncIterable<Line> {
  const sides: Side[] = []
  const start = async (name: string): Promise<Side> => {
    const side = await Side.start(new URL(`../sides/${name}.ts`, import.meta.url))
    sides.push(side)
    return side
  }
  try {
    const [verifier, from, to] = [await start('router-verify'), await start('router-node'), await start('router-node')]
    await from.call('connect', await to.call<string>('address'))
    const rate = async (count: number, ...call: [string, ...unknown[]]): Promise<number> => {
      const [name, ...args] = call
      await to.call('expect', count)
      const begin = performance.now()
      await Promise.all([from.call(name, count, MESSAGE_BYTES, ...args), to.call('whenAllHere')])
      return count / ((performance.now() - begin) / 1_000)
    }
    const raw = await inTurns(
      {
        sent: () => rate(SENT_ONE_BY_ONE, 'send', IN_FLIGHT),
        published: () => rate(SENT_ONE_BY_ONE, 'publish', IN_FLIGHT, false),
        batched: () => rate(SENT_IN_BATCHES, 'publish', IN_FLIGHT_BATCHED, true),
        verify: () => verifier.call<number>('verify', VERIFY_MS),
      },
      ROUNDS,
    )
    const what = { metric: 'rate', unit: '/s' }
    const core = { name: 'verify only', raw: raw.verify }
    yield beside({ ...what, case: 'full path over TCP, sent to one peer' }, raw.sent, core, '>= 0.7')
    yield beside({ ...what, case: 'full path over TCP, broadcast without batches' }, raw.published, core)
    const single = { name: 'sent without batches', raw: raw.sent }
    yield beside({ ...what, case: 'full path over TCP, broadcast in batches' }, raw.batched, single, '>= 10')
    yield alone({ ...what, case: 'ed25519 verify by libsodium, one core' }, 'alone', raw.verify)
  } finally {
    await Promise.all(sides.map((side) => side.stop()))
  }
}
