import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { ROOT } from '../src/map.ts'

/** An option of a README whose default is a number, or one for each lane. */
interface Option {
  readonly name: string
  readonly value: unknown
}

const OPTION = /^\| `(?<name>\w+)` +\|(?:\\.|[^|\\])+\| +(?<value>-?\d[\d_.]*|\{[^}]*\})(?: \||, or )/gm

function documented(folder: string): Option[] {
  const text = readFileSync(join(folder, 'README.md'), 'utf8').replaceAll(/ +/g, ' ')
  return [...text.matchAll(OPTION)].map(({ groups }) => ({
    name: groups?.['name'] ?? '',
    value: parse(groups?.['value'] ?? ''),
  }))
}

/** `10_000`, or `{ high: 16, normal: 4 }`. */
function parse(text: string): unknown {
  return JSON.parse(text.replaceAll('_', '').replaceAll(/\w+(?=:)/g, '"$&"'))
}

/** `DEFAULT_MAX_PEERS` for `maxPeers`. */
function constantOf(option: string): string {
  return `DEFAULT_${option.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`
}

const packages = readdirSync(join(ROOT, 'packages')).filter((name) =>
  existsSync(join(ROOT, 'packages', name, 'src/constants.ts')),
)

it.each(packages)('documents the defaults that hold in %s', async (name) => {
  const folder = join(ROOT, 'packages', name)
  const constants: Record<string, unknown> = await import(pathToFileURL(join(folder, 'src/constants.ts')).href)
  const options = documented(folder).filter((option) => constantOf(option.name) in constants)
  const held = options.map((option) => ({ ...option, value: constants[constantOf(option.name)] }))
  expect(held).toEqual(options)
})

it('finds most of the defaults there are', () => {
  const all = packages.flatMap((name) => documented(join(ROOT, 'packages', name)))
  expect(all.length).toBeGreaterThan(250)
})
