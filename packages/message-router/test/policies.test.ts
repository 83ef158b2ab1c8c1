import { expect, it } from 'vitest'
import { DEFAULT_POLICIES } from '../src/index.ts'
import { faultOf, mergePolicies, policyFor } from '../src/policies.ts'

const policies = mergePolicies()

it.each([
  ['malformed', undefined, 'report', 'protocol-violation'],
  ['too-large', undefined, 'report', 'protocol-violation'],
  ['invalid', undefined, 'report', 'invalid-message'],
  ['wrong-recipient', undefined, 'report', 'protocol-violation'],
  ['invalid-signature', 'invalid-signature', 'report', 'invalid-signature'],
  ['wrong-chain', 'protocol-violation', 'report', 'protocol-violation'],
  ['unknown-kind', 'absent', 'ignore', undefined],
  ['replay', 'absent', 'ignore', undefined],
  ['clock-skew', 'invalid-message', 'ignore', undefined],
  ['sender-limit', 'absent', 'ignore', undefined],
  ['handler-threw', undefined, 'ignore', undefined],
  ['handler-timeout', undefined, 'ignore', undefined],
  ['validator-threw', undefined, 'ignore', undefined],
  ['never-heard-of', undefined, 'ignore', undefined],
  ['toString', undefined, 'ignore', undefined],
] as const)('answers %s of class %s with %s', (code, named, action, blamed) => {
  const policy = policyFor(policies, named == null ? { code } : { code, class: named })
  expect(policy.action).toBe(action)
  expect(policy.action === 'ignore' ? undefined : policy.class).toBe(blamed)
})

it('lets the options replace single policies and keeps the others', () => {
  const merged = mergePolicies({ invalid: { action: 'disconnect' }, replay: { action: 'report', class: 'slow' } })
  expect(policyFor(merged, { code: 'invalid' })).toEqual({ action: 'disconnect', class: 'invalid-message' })
  expect(policyFor(merged, { code: 'replay', class: 'absent' })).toEqual({ action: 'report', class: 'slow' })
  expect(merged['malformed']).toBe(DEFAULT_POLICIES['malformed'])
})

it('refuses an action that is none', () => {
  const overrides = JSON.parse('{"invalid":{"action":"shrug"}}') as Parameters<typeof mergePolicies>[0]
  expect(() => mergePolicies(overrides)).toThrow('policies.invalid.action shrug')
})

it('refuses a class that is none, by which nobody would be blamed', () => {
  const overrides = JSON.parse('{"invalid":{"action":"report","class":"bad"}}') as Parameters<typeof mergePolicies>[0]
  expect(() => mergePolicies(overrides)).toThrow('policies.invalid.class bad must be one of useful, slow, ')
})

it.each([
  [Object.assign(new TypeError('x'), { code: 'replay', report: 'absent' }), { code: 'replay', class: 'absent' }],
  [Object.assign(new TypeError('x'), { code: 'odd', report: 'no-such-class' }), { code: 'odd' }],
  [Object.assign(new TypeError('x'), { report: 'slow' }), { code: 'unnamed', class: 'slow' }],
  [Object.assign(new TypeError('x'), { code: 17 }), { code: 'internal' }],
  [new TypeError('x'), { code: 'internal' }],
  ['a string', { code: 'internal' }],
])('reads the fault of %s', (err, fault) => {
  expect(faultOf(err)).toEqual(fault)
})
