import { hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { addressOf, type LedgerSigner, signerOf } from '@gridmesh/ledger'
import { loadKey } from '../../identity.ts'
import { ZONES } from '../plan.ts'

const KEY_FILE = 'members.key'
const SEED_BYTES = 32
const METERS = 200

/** Whoever has a meter in a devnet. */
export interface Member {
  /** Name of the meter. */
  readonly name: string
  readonly zone: (typeof ZONES)[number]
}

/** A member, and the key that its energy and its money belong to. */
export interface KeyedMember extends Member {
  readonly signer: LedgerSigner
  readonly address: Uint8Array
}

/** Meter of the grid in a zone: what all plants of the zone feed in beside those of members. */
export function gridOf(zone: Member['zone']): string {
  return `grid-${zone}`
}

/** The meters of the sample day: of ten, four with solar panels, five households, and one factory. And the grid's. */
export const MEMBERS: readonly Member[] = [
  ...Array.from({ length: METERS }, (_, index): Member => {
    const kind = index % 10 < 4 ? 'solar' : index % 10 < 9 ? 'household' : 'factory'
    const zone = ZONES[Math.floor(index / 10) % ZONES.length] ?? ZONES[0]
    return { name: `${zone}-${kind}-${String(index).padStart(3, '0')}`, zone }
  }),
  ...ZONES.map((zone): Member => ({ name: gridOf(zone), zone })),
]

/** The members of the devnet in `data`, with keys that come of one secret, which is made where there is none. @throws {UnusableFileError} */
export async function loadMembers(data: string): Promise<KeyedMember[]> {
  const { raw } = await loadKey(join(data, KEY_FILE))
  return MEMBERS.map(({ name, zone }) => {
    const info = `gridmesh/devnet/member/${name}`
    const seed = hkdfSync('sha256', raw.subarray(0, SEED_BYTES), new Uint8Array(0), info, SEED_BYTES)
    const signer = signerOf(new Uint8Array(seed))
    return { name, zone, signer, address: addressOf(signer.publicKey) }
  })
}
