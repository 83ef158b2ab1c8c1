import type { Hello } from '@gridmesh/interfaces'
import { expect, it } from 'vitest'
import { authoriseByChain, chainCapabilities, rulesOf } from '../../src/chain-network/chain-rules.ts'
import { loadNodeConfig } from '../../src/config/load.ts'
import { helloOf as someHello } from './hello.ts'

const CHOICES = ['authority', 'timestampReputation', 'longest'] as const

const chainOf = (forkChoice: string | undefined) =>
  loadNodeConfig({
    flags: forkChoice === undefined ? {} : { 'chain.enabled': true, 'chain.forkChoice': forkChoice },
  }).config.chain

const helloOf = (forkChoice: string | undefined): Hello =>
  someHello(['ai-node', ...chainCapabilities(chainOf(forkChoice))])

it('lets in who has the same fork choice, or no chain, and nobody else, as seen from both sides', () => {
  for (const ours of [undefined, ...CHOICES]) {
    for (const theirs of [undefined, ...CHOICES]) {
      const isGood = ours === undefined || theirs === undefined || ours === theirs
      expect(authoriseByChain(chainOf(ours), helloOf(theirs)) === true).toBe(isGood)
      expect(authoriseByChain(chainOf(theirs), helloOf(ours)) === true).toBe(isGood)
    }
  }
})

it('says what came, what was expected, and which setting', () => {
  expect(authoriseByChain(chainOf('longest'), helloOf('timestampReputation'))).toEqual({
    code: 'wrong-fork-choice',
    message: 'fork choice "timestampReputation" came, "longest" was expected',
    limit: 'chain.forkChoice',
  })
})

it('names no fork choice where it is authority, as nodes did that knew no other', () => {
  expect(CHOICES.map((choice) => chainCapabilities(chainOf(choice)))).toEqual([
    ['chain'],
    ['chain', 'fork-choice:timestampReputation'],
    ['chain', 'fork-choice:longest'],
  ])
  expect(chainCapabilities(chainOf(undefined))).toEqual([])
})

it('gives the consensus what the configuration says', () => {
  const { chain } = loadNodeConfig({
    flags: { 'chain.minBlockIntervalMs': 250, 'chain.maxBlockIntervalMs': 900, 'chain.forkChoice': 'longest' },
  }).config
  expect(rulesOf(chain)).toEqual({ minIntervalMs: 250, maxIntervalMs: 900, forkChoice: 'longest' })
})
