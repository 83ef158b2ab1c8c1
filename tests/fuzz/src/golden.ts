import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

const PACKAGES = new URL('../../../packages/', import.meta.url)

/** The golden bytes of a package, in files of hex: those of one name, or all. */
export function goldenHex(name: string, file = '*'): Uint8Array[] {
  const folder = new URL(`${name}/test/fixtures/`, PACKAGES)
  const files = globSync(`${file}.hex`, { cwd: folder }).toSorted()
  return files.map((each) => fromHex(readFileSync(new URL(basename(each), folder), 'utf8')))
}

/** The golden bytes of a package, in a JSON file of hex by name. */
export function goldenJson(name: string): ReadonlyMap<string, Uint8Array> {
  const text = readFileSync(new URL(`${name}/test/fixtures/golden.json`, PACKAGES), 'utf8')
  const entries = Object.entries(JSON.parse(text) as Record<string, string>)
  return new Map(entries.map(([key, hex]) => [key, fromHex(hex)]))
}

/** Some of them. @throws {RangeError} where one is not there */
export function pick(golden: ReadonlyMap<string, Uint8Array>, ...names: readonly string[]): Uint8Array[] {
  return names.map((name) => {
    const bytes = golden.get(name)
    if (bytes === undefined) throw new RangeError(`there are no golden bytes called ${name}`)
    return bytes
  })
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
}
