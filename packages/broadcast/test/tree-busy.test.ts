import { afterEach, expect, it, vi } from 'vitest'
import { connect, createNode, eventually, meshOf, PATIENCE_MS, stopNodes } from './helpers/nodes.ts'
import { QUICK, TOPIC } from './helpers/tree-meeting.ts'

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })
afterEach(stopNodes)

it.each([1, 2, 5])('brings a message to a node with one neighbour that had no room for it %i times', async (times) => {
  const [author, busy] = [await createNode(QUICK), await createNode(QUICK)]
  author.broadcast.subscribe(TOPIC, () => 'accept')
  let asked = 0
  busy.broadcast.subscribe(TOPIC, () => (asked++ < times ? 'busy' : 'accept'))
  await connect(author, busy)
  for (const node of [author, busy]) await meshOf(node, TOPIC, 1)
  await author.broadcast.publish(TOPIC, Uint8Array.of(1), { strategy: 'tree' })
  await eventually(() => expect(asked).toBe(times + 1))
})
