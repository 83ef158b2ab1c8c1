import { type Asset, meterReading, signTransaction, type Transaction, transfer } from '@gridmesh/ledger'
import type { z } from 'zod'
import { balanceView, chainInfo, meterView } from '../http/chain/schemas.ts'
import type { NodeClient } from './client.ts'
import { zoneNumber } from './parse.ts'
import { MAX_PICKED, payFrom, pick } from './payment.ts'
import { readWallet, type Wallet } from './wallet.ts'

/** What a transfer is made from. */
export interface TransferInput {
  /** Key file. */
  key: string
  /** Address, hex. */
  to: string
  amount: number
  asset: Asset
  /** Name of the zone of what is paid. */
  zone?: string
}

/** What a reading of a meter is made from. */
export interface ReadingInput {
  /** Key file of an authority. */
  key: string
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
 * and never the key; a node that says what is not true makes one that no node takes.
 *
 * @throws {UnusableFileError} @throws {UsageError} @throws {InsufficientFundsError}
 * @throws {NodeUnreachableError} @throws {NodeRefusedError}
 */
export async function makeTransfer(client: NodeClient, input: TransferInput): Promise<Transaction> {
  const { to, amount, asset, zone } = input
  const wallet = await readWallet(input.key)
  const info = await client.get('/chain/info', chainInfo)
  const outputs = await spendable(client, wallet.address, asset)
  const body = payFrom(pick(outputs, amount, wallet.address), {
    asset,
    amount,
    to: Buffer.from(to, 'hex'),
    from: Buffer.from(wallet.address, 'hex'),
    zone: zone === undefined ? undefined : zoneNumber(zone, info.zones),
  })
  return signTransaction(transfer, body, signingOf(info, wallet))
}

/**
 * Makes and signs a reading of a meter. Consumption burns energy of the meter's owner, as much as is needed.
 *
 * @throws {UnusableFileError} @throws {InsufficientFundsError} when the owner holds too little energy
 * @throws {NodeUnreachableError} @throws {NodeRefusedError}
 */
export async function makeReading(client: NodeClient, input: ReadingInput): Promise<Transaction> {
  const { produced, consumed, time = new Date() } = input
  const wallet = await readWallet(input.key)
  const info = await client.get('/chain/info', chainInfo)
  const meter = await client.get(`/state/meters/${encodeURIComponent(input.meter)}`, meterView)
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
  return signTransaction(meterReading, body, signingOf(info, wallet))
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

function signingOf(info: z.infer<typeof chainInfo>, { signer }: Wallet) {
  return { chainId: Buffer.from(info.chain_id, 'hex'), signer }
}
