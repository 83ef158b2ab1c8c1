import {
  type Asset,
  buildGenesis,
  meterReading,
  signTransaction,
  toHex,
  type Transaction,
  transfer,
} from '@gridmesh/ledger'
import type { z } from 'zod'
import { UnusableFileError } from '../errors.ts'
import { readGenesis } from '../genesis.ts'
import { balanceView, chainInfo, meterView } from '../http/chain/schemas.ts'
import type { NodeClient } from './client.ts'
import { UsageError } from './errors.ts'
import { pathPart, zoneNumber } from './parse.ts'
import { MAX_PICKED, payFrom, pick } from './payment.ts'
import { readWallet } from './wallet.ts'

/** What any transaction is signed with. */
export interface SigningInput {
  /** Key file. */
  key: string
  /** Genesis file of the chain. @default the node is believed what chain it is of, and what its zones are */
  genesis?: string
}

/** What a transfer is made from. */
export interface TransferInput extends SigningInput {
  /** Address, hex. */
  to: string
  amount: number
  asset: Asset
  /** Name of the zone of what is paid. */
  zone?: string
}

/** What a reading of a meter is made from; the key is of an authority. */
export interface ReadingInput extends SigningInput {
  meter: string
  produced: number
  consumed: number
  /** @default one more than that of the meter's last reading */
  sequence?: number
  /** ISO 8601. @default now */
  time?: Date
}

/**
 * Makes and signs a transfer, of the outputs that the node says can be spent. What the node is told is the transaction,
 * and never the key. Where it lies about outputs, no node takes the transfer; about the chain and its zones it is believed
 * as long as no genesis file is given.
 *
 * @throws {UnusableFileError} @throws {UsageError} @throws {InsufficientFundsError}
 * @throws {NodeUnreachableError} @throws {NodeRefusedError}
 */
export async function makeTransfer(client: NodeClient, input: TransferInput): Promise<Transaction> {
  const { to, amount, asset, zone } = input
  const wallet = await readWallet(input.key)
  const { chainId, zones } = await chainOf(client, input.genesis)
  const outputs = await spendable(client, wallet.address, asset)
  const body = payFrom(pick(outputs, amount, wallet.address), {
    asset,
    amount,
    to: Buffer.from(to, 'hex'),
    from: Buffer.from(wallet.address, 'hex'),
    zone: zone === undefined ? undefined : zoneNumber(zone, zones),
  })
  return signTransaction(transfer, body, { chainId, signer: wallet.signer })
}

/**
 * Makes and signs a reading of a meter. Consumption burns energy of the meter's owner, as much as is needed. The sequence
 * is the one after the last reading, as far as the node says: a lie may skip some, and no more.
 *
 * @throws {UnusableFileError} @throws {UsageError} @throws {InsufficientFundsError} when the owner holds too little energy
 * @throws {NodeUnreachableError} @throws {NodeRefusedError}
 */
export async function makeReading(client: NodeClient, input: ReadingInput): Promise<Transaction> {
  const { produced, consumed, time = new Date() } = input
  const wallet = await readWallet(input.key)
  const { chainId } = await chainOf(client, input.genesis)
  const meter = await client.get(`/state/meters/${pathPart('the name of a meter', input.meter)}`, meterView)
  const burned = consumed === 0 ? [] : pick(await spendable(client, meter.owner, 'energy'), consumed, meter.owner)
  const body = {
    meter: input.meter,
    zone: meter.zone,
    sequence: input.sequence ?? meter.sequence + 1,
    timeMs: time.getTime(),
    producedWh: produced,
    consumedWh: consumed,
    inputs: burned.map(({ id }) => Buffer.from(id, 'hex')),
  }
  return signTransaction(meterReading, body, { chainId, signer: wallet.signer })
}

async function spendable(
  client: NodeClient,
  address: string,
  asset: Asset,
): Promise<z.infer<typeof balanceView>['outputs']> {
  // One more than is picked, to know whether there are more.
  const path = `/state/balances/${address}?asset=${asset}&limit=${MAX_PICKED + 1}`
  return (await client.get(path, balanceView)).outputs
}

/** The chain that is signed for, and its zones, each at its number: by a genesis file, of which the node has to be. */
async function chainOf(
  client: NodeClient,
  path: string | undefined,
): Promise<{ chainId: Uint8Array; zones: readonly string[] }> {
  const info = await client.get('/chain/info', chainInfo)
  if (path === undefined) return { chainId: Buffer.from(info.chain_id, 'hex'), zones: info.zones }
  const { ledger, zones } = await readGenesis(path)
  if (ledger === undefined) throw new UnusableFileError('genesis file', path, 'it has no time, and so no chain')
  const { chainId } = buildGenesis(ledger)
  if (toHex(chainId) === info.chain_id) return { chainId, zones: [...zones] }
  throw new UsageError(`Expected ${client.url} to be of chain ${toHex(chainId)}, as ${path} says, got ${info.chain_id}`)
}
