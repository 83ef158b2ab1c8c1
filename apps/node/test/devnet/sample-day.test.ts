import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSampleDay } from '../../src/devnet/sample-day.ts'
import { someDirectory } from '../cli/network-files.ts'

const HEAD = 'interval,meter,kind,zone,productionWh,consumptionWh'

const unusable = (why: string) => ({ name: 'UnusableFileError', message: expect.stringContaining(why) })

async function read(text: string): Promise<Awaited<ReturnType<typeof readSampleDay>>> {
  const path = join(await someDirectory(), 'day.csv')
  await writeFile(path, text)
  return readSampleDay(path)
}

it('reads a day by its intervals, up to the last that has any readings', async () => {
  const first = { meter: 'north-solar-000', kind: 'solar', zone: 'north', productionWh: 5, consumptionWh: 0 }
  expect(await read(`${HEAD}\n2,north-solar-000,solar,north,5,0\n0,north-solar-000,solar,north,5,0\n`)).toEqual([
    [{ interval: 0, ...first }],
    [],
    [{ interval: 2, ...first }],
  ])
})

it.each([
  ['is empty', '', /it has no readings/],
  ['has no readings', `${HEAD}\n`, /it has no readings/],
  ['has another head', 'time,meter\n', /line 1: expected the columns interval, meter, .*, got time, meter$/],
  ['has no head', '0,north-solar-000,solar,north,5,0\n', /line 1: expected the columns .*, got 0, north-solar-000, /],
  ['has a line that is wrong', `${HEAD}\n96,north-solar-000,solar,north,5,0\n`, /line 2: interval: /],
  ['has a line that is too short', `${HEAD}\n0,north-solar-000\n`, /line 2/],
])('refuses a day that %s', async (_, text, message) => {
  await expect(read(text)).rejects.toMatchObject({
    name: 'UnusableFileError',
    message: expect.stringMatching(message),
  })
})

it('refuses what is not there, and what is a directory', async () => {
  const directory = await someDirectory()
  await mkdir(join(directory, 'day.csv'))
  await expect(readSampleDay(join(directory, 'none.csv'))).rejects.toMatchObject(unusable('it does not exist'))
  await expect(readSampleDay(join(directory, 'day.csv'))).rejects.toMatchObject(unusable('it is a directory'))
})
