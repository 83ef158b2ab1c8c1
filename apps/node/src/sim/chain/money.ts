import {
  addressOf,
  buildGenesis,
  type Genesis,
  type LedgerSigner,
  meterReading,
  outputId,
  readGenesis,
  signerOf,
  signTransaction,
  toHex,
  type Transaction,
  transfer,
} from '@gridmesh/ledger'

/** Outputs that genesis gives, each paid on at most once. */
const OUTPUTS = 600
const SATANG = 100
const ZONE = 0
/** When the simulator's calendar begins. */
const BEGIN = '2026-01-01T00:00:00Z'
/** Seeds of keys: those of authorities begin at 1. */
const [PAYER_SEED, PAYEE_SEED, STRANGER_SEED] = [240, 241, 242]

/** Key of the authority with this number. */
export function authorityKey(number: number): LedgerSigner {
  return signerOf(new Uint8Array(32).fill(number + 1))
}

/** Key of somebody who is no authority. */
export function strangerKey(): LedgerSigner {
  return signerOf(new Uint8Array(32).fill(STRANGER_SEED))
}

/** What a chain begins with, and the transactions that are made with it. */
export class Money {
  readonly genesis: Genesis
  readonly chainId: Uint8Array
  readonly #payer = signerOf(new Uint8Array(32).fill(PAYER_SEED))
  readonly #payee = addressOf(signerOf(new Uint8Array(32).fill(PAYEE_SEED)).publicKey)
  readonly #sequences = new Map<number, number>()
  #paid = 0

  /** A chain of so many authorities, with a meter for each node. */
  constructor(name: string, authorities: number, meters: number) {
    const payer = toHex(addressOf(this.#payer.publicKey))
    const keys = Array.from({ length: authorities }, (_, at) => toHex(authorityKey(at).publicKey))
    this.genesis = readGenesis({
      name,
      time: BEGIN,
      zones: [{ zone: String(ZONE), name: 'bangkok' }],
      authorities: keys.map((publicKey) => ({ publicKey })),
      meters: Array.from({ length: meters }, (_, at) => ({ name: `meter-${at}`, zone: String(ZONE), owner: payer })),
      tender: Array.from({ length: OUTPUTS }, () => ({ amount: String(SATANG), zone: String(ZONE), owner: payer })),
    })
    this.chainId = buildGenesis(this.genesis).chainId
  }

  /** A payment that is valid on every branch; none when all is paid. */
  payment(): Transaction | undefined {
    const [transaction] = this.contested()
    return transaction
  }

  /** Two payments of which any branch can have one. */
  contested(): Transaction[] {
    if (this.#paid === OUTPUTS) return []
    const inputs = [outputId(new Uint8Array(32), this.#paid)]
    this.#paid += 1
    return [this.#payee, addressOf(this.#payer.publicKey)].map((owner) => {
      const outputs = [{ asset: 'thb', amount: SATANG, owner, zone: ZONE } as const]
      return signTransaction(transfer, { inputs, outputs }, { chainId: this.chainId, signer: this.#payer })
    })
  }

  /** The next reading of the meter of a node, which mints energy. */
  reading(node: number): Transaction {
    const sequence = (this.#sequences.get(node) ?? 0) + 1
    this.#sequences.set(node, sequence)
    const counted = { producedWh: 500 + sequence, consumedWh: 0, inputs: [] }
    const body = { meter: `meter-${node}`, zone: ZONE, sequence, timeMs: this.genesis.timeMs, ...counted }
    return signTransaction(meterReading, body, { chainId: this.chainId, signer: authorityKey(0) })
  }
}
