import { addressOf, type Genesis, parseGenesis, signerOf, toHex } from '@gridmesh/ledger'

/** Keys by seed. The first five may be authorities, the others are users. */
export const people = Array.from({ length: 8 }, (_, i) => signerOf(new Uint8Array(32).fill(i + 1)))
export const [DAN, ERIN] = [5, 6] as const
/** What genesis gives to Dan: as many outputs. */
export const OUTPUTS = 40
export const GENESIS_MS = Date.parse('2026-01-01T00:00:00Z')
/** Rules that let blocks come fast. */
export const RULES = { minIntervalMs: 300, maxIntervalMs: 2_000, fallbackMs: 600, maxClockAheadMs: 300 }

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new RangeError(`no item ${index} of ${items.length}`)
  return item
}

export const addressOfPerson = (who: number): Uint8Array => addressOf(at(people, who).publicKey)

/** A genesis with so many authorities, one meter, and money for Dan. */
export function genesisOf(authorities = 1, name = 'test'): Genesis {
  const keys = people.slice(0, authorities).map(({ publicKey }) => `{ publicKey: ${toHex(publicKey)} }`)
  const money = Array.from({ length: OUTPUTS }, () => `{ amount: 100, zone: 1, owner: ${toHex(addressOfPerson(DAN))} }`)
  return parseGenesis(`
name: ${name}
time: 2026-01-01T00:00:00Z
zones: [{ zone: 1, name: bangkok }]
authorities: [${keys.join(', ')}]
meters: [{ name: roof, zone: 1, owner: ${toHex(addressOfPerson(ERIN))} }]
tender: [${money.join(', ')}]
`)
}
