import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { gridmesh } from './gridmesh.ts'
import { someDirectory } from './network-files.ts'

const ITEM = { number: 1, kind: 'energy-order', sender: 'x', zones: ['north'], timeMs: 1, receivedAtMs: 1, value: {} }

/** A node that takes so many orders, and goes away with the next one. */
async function nodeThatTakes(count: number): Promise<{
  url: string
  taken: () => number
  close: () => Promise<void>
}> {
  let taken = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (taken === count) {
        void close()
        return
      }
      taken += 1
      const delivery = { id: 'a', reached: 1, success_rate: 1, peers: {} }
      response.writeHead(202, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ success: true, data: { item: ITEM, delivery } }))
    })
  })
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken: () => taken, close }
}

/** A file of orders in the lines from 2 on. */
async function fileOf(count: number): Promise<string> {
  const file = join(await someDirectory(), 'orders.csv')
  await writeFile(file, `type,priceSatangPerKwh,quantityWh,zone\n${'sell,1,1,north\n'.repeat(count)}`)
  return file
}

it('says what was sent and what was not where the node goes away midway, and ends with 7', async () => {
  const { url, taken } = await nodeThatTakes(30)
  const { code, stdout, stderr } = await gridmesh('submit', await fileOf(100), '--json', '--url', url)
  const { sent, bad, unheard, unanswered, unsent } = JSON.parse(stdout)
  expect([code, taken(), bad, unheard]).toEqual([7, 30, [], []])
  expect(sent).toBeLessThanOrEqual(30)
  // Of each line one thing is said, and of none that was taken that it was not sent.
  expect(unsent.length).toBeLessThanOrEqual(70)
  expect(sent + unanswered.length + unsent.length).toBe(100)
  expect(new Set([...unanswered, ...unsent]).size).toBe(unanswered.length + unsent.length)
  expect(stderr).toMatch(/^error: No node answers at /)
  expect(stderr).toMatch(/^not sent, to be sent again: lines [0-9, -]+101$/m)
})

it('ends with 5 where the node takes nothing, and names what it may have taken', async () => {
  const { url } = await nodeThatTakes(0)
  const { code, stdout, stderr } = await gridmesh('submit', await fileOf(20), '--url', url)
  expect([code, stdout.startsWith('Sent 0 of 20 orders; 0 bad; ')]).toEqual([5, true])
  expect(stderr).toMatch(/^no answer came for lines 2/m)
})

it('ends with 5 and says nothing more where no node listens', async () => {
  const { url, close } = await nodeThatTakes(0)
  await close()
  const file = await fileOf(20)
  // No resolver is asked for a label this long: one that is slow would take longer than a node may.
  const unknown = `http://${'a'.repeat(64)}.invalid`
  for (const nowhere of [url, 'http://127.0.0.1:1', unknown]) {
    const { code, stdout, stderr } = await gridmesh('submit', file, '--url', nowhere)
    expect([code, stdout]).toEqual([5, ''])
    expect(stderr).toMatch(/^error: No node answers at .*\n$/)
  }
})

it('numbers the orders of a JSON list as orders, wherever its lines break', async () => {
  const { url } = await nodeThatTakes(1)
  const file = join(await someDirectory(), 'orders.json')
  await writeFile(
    file,
    '[\n  { "type": "sell", "priceSatangPerKwh": 1, "quantityWh": 1, "zone": "north" },\n\n  7\n]\n',
  )
  const { code, stderr } = await gridmesh('submit', file, '--url', url)
  expect([code, stderr]).toEqual([7, `${file}: order 2: order: expected an object, got 7\n`])
  const { stdout } = await gridmesh('submit', file, '--json', '--url', url)
  expect(JSON.parse(stdout)).toMatchObject({ bad: [{ order: 2 }] })
})

it('ends with 6 where the node asks for its token, says how it is given, and names no order for it', async () => {
  let asked = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      asked += 1
      response.writeHead(401).end(JSON.stringify({ success: false, error: 'Expected the token', code: 'unauthorised' }))
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const file = await fileOf(100)
  const { code, stdout, stderr } = await gridmesh('submit', file, '--url', url)
  expect([code, stdout]).toEqual([6, ''])
  expect(stderr).toMatch(
    /^error: .* \(401 unauthorised\): Expected the token; name the file that holds it by --token-file\n$/,
  )
  expect(asked).toBeLessThan(50)
  await writeFile(`${file}.token`, 'another')
  const other = await gridmesh('submit', file, '--url', url, '--token-file', `${file}.token`)
  expect(other).toMatchObject({ code: 6, stderr: expect.stringContaining('the --token-file holds another') })
})
