import { addressOf, type Genesis, type LedgerSigner, signerOf } from '@gridmesh/ledger'

/** Who makes all blocks. */
export const authority: LedgerSigner = signerOf(new Uint8Array(32).fill(1))
/** Who pay each other. */
export const users: readonly LedgerSigner[] = Array.from({ length: 64 }, (_, i) =>
  signerOf(new Uint8Array(32).fill(i + 2)),
)
export const addresses: readonly Uint8Array[] = users.map(({ publicKey }) => addressOf(publicKey))

/** Outputs of genesis for each user, each worth enough to be split into a million. */
const OUTPUTS_PER_USER = 16
const AMOUNT = 2 ** 40
/** Time from one block to the next, in ms: no clock is behind. */
export const BLOCK_MS = 1_000

/** The same in every process. */
export const genesis: Genesis = {
  name: 'bench',
  timeMs: Date.parse('2020-01-01T00:00:00Z'),
  zones: [{ zone: 1, name: 'one' }],
  authorities: [{ publicKey: authority.publicKey, zones: [] }],
  validators: [],
  meters: [],
  tender: addresses.flatMap((owner) =>
    Array.from({ length: OUTPUTS_PER_USER }, () => ({ amount: AMOUNT, zone: 1, owner })),
  ),
}
