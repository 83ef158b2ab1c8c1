import { addressOf, type LedgerSigner, signerOf, toHex } from '@gridmesh/ledger'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { readIdentity } from '../identity.ts'

const SEED_BYTES = 32

/** A key that signs transactions, and whose address outputs belong to. */
export interface Wallet {
  readonly signer: LedgerSigner
  /** Hex. */
  readonly address: string
}

/** The wallet of a key: that of a node is one as well. */
export function walletOf(key: Ed25519PrivateKey): Wallet {
  const signer = signerOf(key.raw.subarray(0, SEED_BYTES))
  return { signer, address: toHex(addressOf(signer.publicKey)) }
}

/** Reads a wallet from a key file. @throws {UnusableFileError} */
export async function readWallet(file: string): Promise<Wallet> {
  return walletOf(await readIdentity(file))
}
