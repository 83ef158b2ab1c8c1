import { expect, it } from 'vitest'
import { type PeerManagerInit, peerManager } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { at, makeManager, makePeerIds } from './support.ts'

const ids = await makePeerIds(1)

it('has the documented defaults', () => {
  expect(resolveOptions()).toEqual({
    minPeers: 8,
    maxPeers: 10_000,
    maxStoredPeers: 2_000,
    maxCandidates: 1_000,
    maxAddresses: 8,
    maxAddressLength: 256,
    maxLedgerEntries: 64,
    maxEvidenceLength: 200,
    halfLifeMs: 600_000,
    disconnectReputation: -20,
    banReputation: -50,
    banMs: 86_400_000,
    upkeepIntervalMs: 30_000,
    goodbyeTimeoutMs: 1_000,
    closeTimeoutMs: 5_000,
    readyTimeoutMs: 30_000,
    storageTimeoutMs: 10_000,
  })
})

it.each([
  { minPeers: -1 },
  { minPeers: 1.5 },
  { maxPeers: 0 },
  { maxCandidates: Number.NaN },
  { maxAddresses: 0 },
  { maxAddressLength: 0 },
  { maxLedgerEntries: 0 },
  { maxEvidenceLength: -1 },
  { halfLifeMs: 0 },
  { banMs: Number.NaN },
  { disconnectReputation: 0 },
  { disconnectReputation: -101 },
  { banReputation: -10 },
  { banReputation: -101 },
  { upkeepIntervalMs: 0 },
  { upkeepIntervalMs: 2 ** 31 },
  { goodbyeTimeoutMs: -1 },
  { closeTimeoutMs: Number.POSITIVE_INFINITY },
  { readyTimeoutMs: 0 },
  { storageTimeoutMs: Number.NaN },
] satisfies PeerManagerInit[])('refuses %j and names the option and the value', (init: PeerManagerInit) => {
  const [name, value] = at(Object.entries(init), 0)
  expect(() => makeManager(at(ids, 0), init)).toThrow(new RegExp(`${name} ${String(value)} must be`))
})

it.each([{ minPeers: 0 }, { maxEvidenceLength: 0 }, { banMs: Number.POSITIVE_INFINITY }, { banReputation: -20 }])(
  'takes %j',
  (init) => {
    expect(resolveOptions(init)).toMatchObject(init)
    expect(peerManager(init)).toBeTypeOf('function')
  },
)
