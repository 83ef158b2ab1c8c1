import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { gridmesh } from './gridmesh.ts'
import { someDirectory } from './network-files.ts'

const check = async (path: string) => gridmesh('config', 'check', '--config', path, '--json')

it('says to machines that the settings are right, or what is wrong with them', async () => {
  const file = join(await someDirectory(), 'node.yaml')
  await writeFile(file, 'name: egat\n')
  const { code, stdout } = await check(file)
  expect([code, JSON.parse(stdout)]).toEqual([0, { ok: true }])

  await writeFile(file, 'p2p:\n  port: nine\nfeedSize: 0\n')
  const wrong = await check(file)
  expect([wrong.code, JSON.parse(wrong.stdout)]).toMatchObject([
    3,
    {
      ok: false,
      faults: [
        { file, line: 2, path: 'p2p.port', received: expect.stringContaining('nine') },
        { file, line: 3, path: 'feedSize' },
      ],
    },
  ])
  expect(wrong.stderr).toContain('2 settings are wrong')

  const none = await check(`${file}.none`)
  expect([none.code, JSON.parse(none.stdout)]).toMatchObject([
    3,
    { ok: false, faults: [{ message: expect.stringContaining('node.yaml.none') }] },
  ])
})
