import { expect, it } from 'vitest'
import { isProof, transactionsVerdict } from '../../src/chain-network/verdicts.ts'

const refused = (code: string) => ({ status: 'refused', code, message: '' }) as const

it.each([
  ['added', { status: 'added', id: '' }, 'accept'],
  ['waiting', { status: 'waiting', id: '', missing: { code: 'unknown-input', message: '' } }, 'accept'],
  ['malformed', refused('malformed'), 'reject'],
  ['too-large', refused('too-large'), 'reject'],
  ['invalid-signature', refused('invalid-signature'), 'reject'],
  // True for others, or at another time.
  ['already-known', refused('already-known'), 'ignore'],
  ['conflict', refused('conflict'), 'ignore'],
  ['spent-input', refused('spent-input'), 'ignore'],
  ['stale-nonce', refused('stale-nonce'), 'ignore'],
  ['not-authority', refused('not-authority'), 'ignore'],
  ['pool-full', refused('pool-full'), 'ignore'],
  ['not-running', refused('not-running'), 'ignore'],
] as const)('answers a transaction that is %s', (_, result, verdict) => {
  expect(transactionsVerdict([result])).toBe(verdict)
})

it.each([
  [['already-known', 'added'], 'accept'],
  [['already-known', 'conflict'], 'ignore'],
  [['added', 'malformed', 'already-known'], 'reject'],
] as const)('answers transactions of one message that are %j with %s', (codes, verdict) => {
  const results = codes.map((code) => (code === 'added' ? { status: code, id: '' } : refused(code)))
  expect(transactionsVerdict(results)).toBe(verdict)
})

it('takes no refusal for a lie that is of a clock, of what is final here, or of the room there is', () => {
  const codes = ['time-ahead', 'below-finalised', 'side-full', 'wrong-state-root', 'invalid-block-signature']
  expect(codes.map(isProof)).toEqual([false, false, false, true, true])
})
