import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT, proofs } from '../src/map.ts'

const named = proofs()
const files = [...new Set(named.map(({ file }) => file))]

describe('the map of the laws', () => {
  it.each(files)('names tests of %s that are there', (file) => {
    expect(existsSync(join(ROOT, file))).toBe(true)
    const source = readFileSync(join(ROOT, file), 'utf8')
    // As a title is written: between quotes of some sort, and nothing else.
    const isThere = (test: string): boolean => ["'", '"', '`'].some((quote) => source.includes(quote + test + quote))
    const missing = named.filter((proof) => proof.file === file && !isThere(proof.test)).map(({ test }) => test)
    expect(missing).toEqual([])
  })

  it('names every file of this folder but this one', () => {
    const here = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts') && file !== 'map.test.ts')
    const folder = 'tests/laws/test/'
    const mapped = files.filter((file) => file.startsWith(folder)).map((file) => file.slice(folder.length))
    expect(new Set(mapped)).toEqual(new Set(here))
  })
})
