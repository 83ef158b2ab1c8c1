import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import { Newcomers } from '../src/newcomers.ts'

const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const [alice, bob] = [await newPeer(), await newPeer()]
const nobody = new Set<string>()

it('waits for every ready peer that does not subscribe yet', () => {
  const newcomers = new Newcomers()
  expect(newcomers.of('t', [alice, bob], new Set([bob.toString()]))).toEqual([alice.toString()])
  expect(newcomers.of('t', [alice, bob], new Set([alice.toString(), bob.toString()]))).toEqual([])
})

it('waits once: who was given up counts no more for that topic, and does for another', () => {
  const newcomers = new Newcomers()
  newcomers.giveUp('t', [alice], nobody)
  expect(newcomers.of('t', [alice], nobody)).toEqual([])
  expect(newcomers.of('u', [alice], nobody)).toEqual([alice.toString()])
})

it('waits again for who left and came back', () => {
  const newcomers = new Newcomers()
  newcomers.giveUp('t', [alice], nobody)
  newcomers.giveUp('t', [bob], nobody)
  expect(newcomers.of('t', [alice, bob], nobody)).toEqual([alice.toString()])
})
