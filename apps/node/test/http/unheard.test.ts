import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerRecord } from '@gridmesh/interfaces'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { GridmeshNode } from '../../src/node.ts'
import { gridmesh } from '../cli/gridmesh.ts'
import { someDirectory } from '../cli/network-files.ts'
import { someNode } from '../some-node.ts'

const ORDER = { type: 'sell', priceSatangPerKwh: 400, quantityWh: 1_000, zone: 'central' }

/** A node that meets nobody, and what its API answers. */
async function loneNode(): Promise<{ node: GridmeshNode; url: string; health: () => Promise<unknown> }> {
  const node = await someNode()
  onTestFinished(async () => void (await node.stop()))
  await node.start()
  const url = node.url ?? ''
  const health = async (): Promise<unknown> =>
    ((await (await fetch(`${url}/api/v1/node/health`)).json()) as { data: unknown }).data
  return { node, url, health }
}

it('says of an order that reached nobody that it was taken, and that no peer was addressed', async () => {
  const { node, url } = await loneNode()
  const response = await fetch(`${url}/api/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ORDER),
  })
  expect(response.status).toBe(202)
  expect(await response.json()).toMatchObject({ data: { delivery: { reached: 0, success_rate: null, peers: {} } } })
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toMatch(/^gridmesh_broadcast_unheard_messages_total 1$/m)
  expect(node.feed.list()).toHaveLength(1)
})

it('ends a command whose message reached nobody with 11, and names the order', async () => {
  const { url } = await loneNode()
  const file = join(await someDirectory(), 'order.json')
  await writeFile(file, JSON.stringify(ORDER))
  const submitted = await gridmesh('submit', file, '--url', url)
  expect(submitted).toMatchObject({ code: 11, stdout: 'Sent 0 of 1 orders; 0 bad; 1 reached nobody\n' })
  expect(submitted.stderr).toContain('order.json: order 1:')
  const warned = await gridmesh('emergency', '--zone', 'central', '--url', url)
  expect(warned).toMatchObject({ code: 11, stdout: 'Emergency sent to 0 of 0 peers\n' })
})

it('has in its health that peers are ready, and none hears what is sent on a topic', async () => {
  const { node, health } = await loneNode()
  expect(await health()).toMatchObject({ status: 'alone', unreached_topics: expect.arrayContaining(['energy-order']) })
  const select = vi.spyOn(node.libp2p.services.peerManager, 'select').mockReturnValue([{} as PeerRecord])
  expect(await health()).toMatchObject({ status: 'unheard', ready_peers: 1 })
  node.energy.stop()
  expect(await health()).toMatchObject({ status: 'ok', unreached_topics: [] })
  select.mockRestore()
})
