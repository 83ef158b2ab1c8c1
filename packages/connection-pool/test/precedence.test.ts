import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { judge, PRECEDENCE, type PrecedenceVerdict } from '../src/index.ts'

/** Every cell, written out by hand: self, banned, duplicate, reserved, full. */
const CELLS: readonly [string, PrecedenceVerdict][] = [
  ['-----', 'admit'],
  ['----F', 'make-room'],
  ['---R-', 'admit-reserved'],
  ['---RF', 'admit-reserved'],
  ['--D--', 'replace-oldest'],
  ['--D-F', 'replace-oldest'],
  ['--DR-', 'replace-oldest'],
  ['--DRF', 'replace-oldest'],
  ['-B---', 'refuse-banned'],
  ['-B--F', 'refuse-banned'],
  ['-B-R-', 'refuse-banned'],
  ['-B-RF', 'refuse-banned'],
  ['-BD--', 'refuse-banned'],
  ['-BD-F', 'refuse-banned'],
  ['-BDR-', 'refuse-banned'],
  ['-BDRF', 'refuse-banned'],
  ['S----', 'refuse-self'],
  ['S---F', 'refuse-self'],
  ['S--R-', 'refuse-self'],
  ['S--RF', 'refuse-self'],
  ['S-D--', 'refuse-self'],
  ['S-D-F', 'refuse-self'],
  ['S-DR-', 'refuse-self'],
  ['S-DRF', 'refuse-self'],
  ['SB---', 'refuse-self'],
  ['SB--F', 'refuse-self'],
  ['SB-R-', 'refuse-self'],
  ['SB-RF', 'refuse-self'],
  ['SBD--', 'refuse-self'],
  ['SBD-F', 'refuse-self'],
  ['SBDR-', 'refuse-self'],
  ['SBDRF', 'refuse-self'],
]

describe('the precedence table', () => {
  it('has a verdict for each of its 32 cells', () => {
    expect(new Set(CELLS.map(([cell]) => cell)).size).toBe(32)
  })

  it.each(CELLS)('%s is %s', (cell, verdict) => {
    const [isSelf, isBanned, isDuplicate, isReserved, isFull] = Array.from(
      { length: 5 },
      (_, index) => cell.charAt(index) !== '-',
    )
    expect(
      judge({
        isSelf: isSelf ?? false,
        isBanned: isBanned ?? false,
        isDuplicate: isDuplicate ?? false,
        isReserved: isReserved ?? false,
        isFull: isFull ?? false,
      }),
    ).toBe(verdict)
  })

  it('is printed in the README as it is', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    // The options table above has rows of the same form.
    const section = readme.slice(readme.indexOf('## How it behaves'))
    const rows = [...section.matchAll(/^\| `(\w+)` +\| `([a-z-]+)` +\|/gm)].map(([, when, verdict]) => ({
      when,
      verdict,
    }))
    expect(rows).toEqual(PRECEDENCE)
  })
})
