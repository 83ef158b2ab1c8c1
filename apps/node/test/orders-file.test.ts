import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readOrders } from '../src/cli/orders-file.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gridmesh-orders-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function read(name: string, content: string) {
  const path = join(directory, name)
  await writeFile(path, content)
  return readOrders(path)
}

it('reads a CSV file, fills in ids and expiry, and keeps the line numbers', async () => {
  const rows = await read('a.csv', 'type,priceSatangPerKwh,quantityWh,zone\n\nsell,400,1000,north\nbuy,410,5,south\n')
  expect(rows).toMatchObject([
    { at: 3, order: { type: 'sell', priceSatangPerKwh: 400, quantityWh: 1000, zone: 'north' } },
    { at: 4, order: { type: 'buy' } },
  ])
  for (const row of rows) expect('order' in row && row.order.id).toMatch(/^[0-9a-f-]{36}$/)
})

it.each([
  ['a word for a number', 'sell,cheap,1000,north', 'priceSatangPerKwh'],
  ['a fraction', 'sell,400,10.5,north', 'quantityWh'],
  ['a negative amount', 'sell,400,-1,north', 'quantityWh'],
  ['a number with an exponent', 'sell,1e3,1000,north', 'priceSatangPerKwh'],
  ['a number in hex', 'sell,400,0x10,north', 'quantityWh'],
  ['a number with blanks in it', 'sell," 410 ",1000,north', 'priceSatangPerKwh'],
  ['a number with zeros before it', 'sell,0410,1000,north', 'priceSatangPerKwh'],
  ['an unknown type', 'give,400,1,north', 'type'],
  ['an empty cell', 'sell,,1,north', 'priceSatangPerKwh'],
  ['too few columns', 'sell,400', 'expected 4 columns'],
])('names the line of %s and keeps the good ones', async (_, bad, place) => {
  const rows = await read(
    'a.csv',
    `type,priceSatangPerKwh,quantityWh,zone\nsell,400,1000,north\n${bad}\nbuy,1,1,south\n`,
  )
  expect(rows.map(({ at }) => at)).toEqual([2, 3, 4])
  expect(rows[1]).toMatchObject({ fault: expect.stringContaining(place) })
  expect(rows.filter((row) => 'order' in row)).toHaveLength(2)
})

it.each([
  ['-1', 'expected a number of at least 0, got -1'],
  ['1.5', 'expected a whole number, got 1.5'],
  ['100001', 'expected a number of at most 100000, got 100001'],
  ['99999999999999999999', 'expected a whole number of at most 9007199254740991, got 100000000000000000000'],
  ['1.00000000000000000001', 'expected a number, got "1.00000000000000000001"'],
  ['-0', 'expected a number, got "-0"'],
])('says which rule the price %s breaks', async (price, rule) => {
  const [row] = await read('a.csv', `type,priceSatangPerKwh,quantityWh,zone\nsell,${price},1,north\n`)
  expect(row).toMatchObject({ fault: expect.stringContaining(`priceSatangPerKwh: ${rule}`) })
})

it('refuses a file with a column that is there twice', async () => {
  const text = 'type,type,priceSatangPerKwh,quantityWh,zone\nsell,buy,1,1,north\n'
  await expect(read('a.csv', text)).rejects.toThrow('line 1: expected each column once, got type again')
})

it('refuses an id again, and names both lines', async () => {
  const rows = await read(
    'a.csv',
    'id,type,priceSatangPerKwh,quantityWh,zone\na,sell,400,1,north\nb,sell,400,1,north\na,buy,1,1,south\n',
  )
  expect(rows).toMatchObject([
    { at: 2, order: { id: 'a' } },
    { at: 3, order: { id: 'b' } },
    { at: 4, fault: 'id: a is that of line 2' },
  ])
})

it('refuses a file whose columns it does not know, or that is no CSV', async () => {
  await expect(read('a.csv', 'type,prize\nsell,1\n')).rejects.toThrow('unknown column prize')
  await expect(read('a.csv', '')).rejects.toThrow('empty')
  await expect(read('a.csv', 'type\n"sell\n')).rejects.toMatchObject({ name: 'UnusableFileError' })
})

it('reads one order or a list from JSON, and refuses what is no JSON', async () => {
  const order = { type: 'sell', priceSatangPerKwh: 400, quantityWh: 1000, zone: 'north' }
  expect(await read('a.json', JSON.stringify(order))).toMatchObject([{ at: 1, order }])
  expect(await read('a.json', JSON.stringify([order, 7]))).toMatchObject([{ at: 1, order }, { at: 2 }])
  await expect(read('a.json', '{')).rejects.toThrow('not JSON')
})
