import { dirname } from 'node:path'
import {
  addressOf,
  type LedgerSigner,
  MAX_OUTPUTS,
  type OutputId,
  outputId,
  signerOf,
  signTransaction,
  type Transaction,
  toHex,
  transfer,
} from '@gridmesh/ledger'
import { loadIdentity } from '@gridmesh/node'

/** What each node of a devnet has from genesis, in satang, in the output of its number. */
const TENDER_SATANG = 100_000_000
const SEED_BYTES = 32

interface Coin {
  id: OutputId
  amount: number
}

/** A signed transfer, as it is sent to a node. */
export interface Ready {
  id: string
  /** Body of the request. */
  body: string
}

/** The money of one node of a devnet, in ever more outputs, each of which is spent once and independent of all others. */
export class Purse {
  readonly #signer: LedgerSigner
  readonly #chainId: Uint8Array
  #coins: Coin[]

  private constructor(signer: LedgerSigner, chainId: Uint8Array, index: number) {
    this.#signer = signer
    this.#chainId = chainId
    this.#coins = [{ id: outputId(new Uint8Array(32), index), amount: TENDER_SATANG }]
  }

  /** That of the node whose configuration is at a path, the `index`th of the devnet. */
  static async of(config: string, chainId: string, index: number): Promise<Purse> {
    const key = await loadIdentity(dirname(config))
    return new Purse(signerOf(key.raw.subarray(0, SEED_BYTES)), Buffer.from(chainId, 'hex'), index)
  }

  get coins(): number {
    return this.#coins.length
  }

  /** Transfers that split as many coins as it takes to have `coins` of them; to be in blocks before what they give is spent. */
  split(coins: number): Ready[] {
    const count = Math.min(this.#coins.length, Math.ceil((coins - this.coins) / (MAX_OUTPUTS - 1)))
    return this.#coins.splice(0, Math.max(0, count)).map((coin) => {
      const share = Math.floor(coin.amount / MAX_OUTPUTS)
      return this.#pay(coin, [
        coin.amount - share * (MAX_OUTPUTS - 1),
        ...Array.from({ length: MAX_OUTPUTS - 1 }, () => share),
      ])
    })
  }

  /** A payment of one coin, with change, which is not spent again. */
  payment(): Ready {
    const coin = this.#coins.pop()
    if (coin === undefined) throw new RangeError('there is nothing left to be spent')
    return ready(this.#sign(coin, [1, coin.amount - 1]))
  }

  #pay(coin: Coin, amounts: readonly number[]): Ready {
    const paid = this.#sign(coin, amounts)
    for (const [index, amount] of amounts.entries()) this.#coins.push({ id: outputId(paid.id, index), amount })
    return ready(paid)
  }

  #sign({ id }: Coin, amounts: readonly number[]): Transaction {
    const owner = addressOf(this.#signer.publicKey)
    const outputs = amounts.map((amount) => ({ asset: 'thb' as const, zone: 0, amount, owner }))
    return signTransaction(transfer, { inputs: [id], outputs }, { chainId: this.#chainId, signer: this.#signer })
  }
}

function ready({ id, bytes }: Transaction): Ready {
  return { id: toHex(id), body: JSON.stringify({ bytes: Buffer.from(bytes).toString('base64') }) }
}
