import { createHash } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
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

it.each([
  ['an unknown key', `${text}extra: 1\n`, 'extra'],
  ['a key that is no peer id', text.replace(peerId, 'nobody'), 'authorities.0.peerId'],
  ['no authority', 'chainId: test\nzones: [north]\nauthorities: []\n', 'authorities'],
  ['broken YAML', 'chainId: [', 'genesis.yaml'],
  ['an alias', 'chainId: &a test\nzones: [*a]\n', 'genesis.yaml'],
])('refuses %s and names the place', (_, broken, place) => {
  expect(() => parseGenesis(broken, 'genesis.yaml')).toThrow(place)
})

it('names a file that does not exist', async () => {
  await expect(readGenesis('/nowhere/genesis.yaml')).rejects.toThrow('/nowhere/genesis.yaml: it does not exist')
})
