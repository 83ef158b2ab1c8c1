import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Network } from '@gridmesh-internal/support'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LEAKS } from '../src/leaks.ts'
import { Sampler } from '../src/sampler.ts'
import { serveEcho } from '../src/streams.ts'
import { judge, type Sample } from '../src/verdict.ts'

const ROUNDS = 9
/** Short: nothing comes and goes here. */
const LOOK_INTERVAL_MS = 20

let network: Network

beforeAll(async () => {
  // As `--expose-gc` does for the soak itself.
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction
  network = await Network.start({ nodes: 2 })
  await Promise.all(network.nodes.map((node) => serveEcho(node, () => {})))
})

afterAll(async () => {
  await network.stop()
})

/** Names of what is not flat over some rounds of nothing but `leak`. */
async function growing(leak: () => Promise<void>): Promise<string[]> {
  const sampler = new Sampler(network.node(0), LOOK_INTERVAL_MS)
  const samples: Sample[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await leak()
    samples.push({ atMs: performance.now(), values: await sampler.read() })
  }
  return judge(samples).flatMap(({ name, isFlat }) => (isFlat ? [] : [name]))
}

it('fails nothing while a node is left alone', async () => {
  expect(await growing(async () => {})).toEqual([])
})

it('names what each of the leaks makes grow', async () => {
  const names = await growing(async () => {
    for (const leak of Object.values(LEAKS)) await leak(network.node(0))
  })
  expect(names).toEqual(
    expect.arrayContaining([
      'heap',
      'streams of the oldest link',
      'kept streams',
      'active Timeout',
      'active TCPSocketWrap',
      'listeners to libp2p',
      'file descriptors',
    ]),
  )
})
