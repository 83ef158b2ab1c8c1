import { createHash } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import { parseGenesis, readGenesis } from '../src/genesis.ts'

const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
const text = `chainId: test\nzones: [north, south]\nauthorities:\n  - { name: egat, peerId: ${peerId} }\n`

it('reads chain id, zones, authorities, and hashes the bytes of the file', () => {
  const genesis = parseGenesis(text, 'genesis.yaml')
  expect(genesis.chainId).toBe('test')
  expect([...genesis.zones]).toEqual(['north', 'south'])
  expect([...genesis.authorities]).toEqual([[peerId, 'egat']])
  expect(genesis.hash).toBe(createHash('sha256').update(text).digest('hex'))
})

it('takes a peer id in its form as a CID for the same peer', () => {
  const cid = peerIdFromString(peerId).toCID().toString()
  expect([...parseGenesis(text.replace(peerId, cid), 'genesis.yaml').authorities]).toEqual([[peerId, 'egat']])
  const twice = `${text}  - { name: egat-2, peerId: ${cid} }\n`
  expect(() => parseGenesis(twice, 'genesis.yaml')).toThrow('authorities[1]')
})

it.each([
  ['an unknown key', `${text}extra: 1\n`, 'extra'],
  ['a key that is no peer id', text.replace(peerId, 'nobody'), 'authorities[0].peerId is "nobody"'],
  ['no authority', 'chainId: test\nzones: [north]\nauthorities: []\n', 'authorities'],
  ['broken YAML', 'chainId: [', 'genesis.yaml'],
  ['an alias', 'chainId: &a test\nzones: [*a]\n', 'genesis.yaml'],
])('refuses %s and names the place', (_, broken, place) => {
  expect(() => parseGenesis(broken, 'genesis.yaml')).toThrow(place)
})

it('names a file that does not exist', async () => {
  await expect(readGenesis('/nowhere/genesis.yaml')).rejects.toThrow('/nowhere/genesis.yaml: it does not exist')
})

const owner = 'ab'.repeat(32)
const chain = `${text}time: 2026-01-01T00:00:00Z
meters: [{ name: roof, zone: south, owner: ${owner} }]
tender: [{ amount: 500, zone: north, owner: ${owner} }]
`

it('has no chain where it names no time', () => {
  expect(parseGenesis(text, 'genesis.yaml').ledger).toBeUndefined()
})

it('gives the ledger its genesis: zones by their place, keys in the place of peer ids', () => {
  const withZones = chain.replace(`peerId: ${peerId}`, `peerId: ${peerId}, zones: [south, north]`)
  const { ledger, hash } = parseGenesis(withZones, 'genesis.yaml')
  expect(hash).toBe(createHash('sha256').update(withZones).digest('hex'))
  expect(ledger).toMatchObject({
    name: 'test',
    timeMs: Date.parse('2026-01-01T00:00:00Z'),
    zones: [
      { zone: 0, name: 'north' },
      { zone: 1, name: 'south' },
    ],
    authorities: [{ zones: [0, 1] }],
    validators: [],
    meters: [{ name: 'roof', zone: 1 }],
    tender: [{ amount: 500, zone: 0 }],
  })
  const [authority] = ledger?.authorities ?? []
  expect(peerIdFromString(peerId).publicKey?.raw).toEqual(Uint8Array.from(authority?.publicKey ?? []))
  expect(Buffer.from(ledger?.meters[0]?.owner ?? []).toString('hex')).toBe(owner)
})

it('reads an address of digits and an e as a text', () => {
  const digits = `${'1'.repeat(10)}e${'2'.repeat(53)}`
  const { ledger } = parseGenesis(chain.replaceAll(owner, digits), 'genesis.yaml')
  expect(Buffer.from(ledger?.tender[0]?.owner ?? []).toString('hex')).toBe(digits)
})

it.each([
  ['a meter without a time', chain.replace(/^time.*\n/m, ''), 'time is missing: it must be there where meters is'],
  ['a time that is none', chain.replace('2026-01-01T00:00:00Z', 'yesterday'), 'time is "yesterday": it must be a time'],
  ['a zone of a meter that there is not', chain.replace('zone: south', 'zone: west'), 'meters[0].zone is "west"'],
  ['a zone of tender that there is not', chain.replace('zone: north', 'zone: west'), 'tender[0].zone is "west"'],
  [
    'a zone of an authority that there is not',
    chain.replace('egat,', 'egat, zones: [west],'),
    'authorities[0].zones[0] is',
  ],
  [
    'a name of a meter that no URL can hold',
    chain.replace('name: roof', 'name: ..'),
    'meters[0].name is "..": it must be no step of a path',
  ],
  ['an owner that is no address', chain.replace(owner, 'ab'), 'meters[0].owner is "ab": it must be 32 bytes in hex'],
  [
    'an amount of nothing',
    chain.replace('amount: 500', 'amount: 0'),
    'tender[0].amount is "0": it must be a whole number',
  ],
  ['an amount that is no integer', chain.replace('amount: 500', 'amount: 1.5'), 'tender[0].amount is "1.5"'],
  [
    'a meter that is there twice',
    chain.replace('meters: [', `meters: [{ name: roof, zone: north, owner: ${owner} }, `),
    'meters[1] is "roof": it must be there only once',
  ],
  [
    'a zone that is there twice',
    chain.replace('[north, south]', '[north, south, north]'),
    'zones[2] is "north": expected it only once',
  ],
  ['an authority that is there twice', text.replace(/^ {2}-.*$/m, (line) => `${line}\n${line}`), 'authorities[1] is'],
  [
    'a key of a row that there is not',
    chain.replace('amount: 500', 'amount: 500, colour: red'),
    'tender[0].colour is "red": expected no such key',
  ],
  ['no chain id', chain.replace(/^chainId.*\n/, ''), 'chainId is missing'],
  ['a text that is too long', `${text}# ${'x'.repeat(4_194_304)}`, 'where 4194304 are the most'],
])('refuses %s, and names path, value and rule', (_, broken, fault) => {
  expect(() => parseGenesis(broken, 'genesis.yaml')).toThrow(fault)
})
