import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { REASON_CODES } from '../src/reasons.ts'

it('has each of its codes in the table of reasons', () => {
  const page = readFileSync(new URL('../../../docs/reasons.md', import.meta.url), 'utf8')
  for (const code of REASON_CODES) expect(page).toContain(`\`${code}\``)
})
