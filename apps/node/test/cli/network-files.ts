import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPairFromSeed, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '@gridmesh/ledger'
import { onTestFinished } from 'vitest'
import { readGenesis, type Genesis } from '../../src/genesis.ts'
import { addressOfPerson, DAN, ERIN, OUTPUTS } from '../chain/chains.ts'

/** A directory that goes with the test. */
export async function someDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'gridmesh-cli-'))
  onTestFinished(async () => rm(directory, { recursive: true, force: true }))
  return directory
}

/** The genesis file of a network of one authority, with a meter of Erin's, and money of Dan's. */
export async function writeGenesis(
  directory: string,
  name = 'test',
  time = 'time: 2026-01-01T00:00:00Z',
): Promise<string> {
  const peerId = peerIdFromPrivateKey(await keyOf(0)).toString()
  const hasChain = time !== ''
  const money = `{ amount: 100, zone: bangkok, owner: ${toHex(addressOfPerson(DAN))} }`
  const lines = [
    `chainId: ${name}`,
    time,
    'zones: [central, bangkok]',
    `authorities: [{ name: egat, peerId: ${peerId} }]`,
    hasChain ? `meters: [{ name: roof, zone: bangkok, owner: ${toHex(addressOfPerson(ERIN))} }]` : '',
    hasChain ? `tender: [${Array.from({ length: OUTPUTS }, () => money).join(', ')}]` : '',
  ]
  const path = join(directory, `${name}.yaml`)
  await writeFile(path, lines.join('\n'))
  return path
}

/** What the ledger begins with by such a file. */
export async function ledgerOf(path: string): Promise<NonNullable<Genesis['ledger']>> {
  const { ledger } = await readGenesis(path)
  if (ledger === undefined) throw new RangeError(`${path} has no chain`)
  return ledger
}

/** The key of a person, as a key file has it. */
export async function keyFile(directory: string, who: number): Promise<string> {
  const path = join(directory, `${who}.key`)
  const text = Buffer.from(privateKeyToProtobuf(await keyOf(who))).toString('base64')
  await writeFile(path, `${text}\n`, { mode: 0o600 })
  return path
}

async function keyOf(who: number) {
  return generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(who + 1))
}
