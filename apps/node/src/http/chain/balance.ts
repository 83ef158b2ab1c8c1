import { type Asset, type Output, toHex } from '@gridmesh/ledger'
import type { z } from 'zod'
import type { EnergyChain } from '../../chain/energy-chain.ts'
import type { VisitOptions } from './output-scan.ts'
import type { OwnedOutputs } from './owned-outputs.ts'
import { type balanceQuery, type balanceView, MAX_LISTED, MAX_PAGE, type outputView } from './schemas.ts'

type OutputView = z.infer<typeof outputView>
type BalanceView = z.infer<typeof balanceView>

/** Outputs that are kept for a list: the largest that any page can show. */
const MAX_KEPT = MAX_LISTED + MAX_PAGE

/** What an address holds, and a page of what it can spend. */
export async function balanceOf(
  chain: EnergyChain,
  owned: OwnedOutputs,
  address: string,
  query: z.output<typeof balanceQuery>,
  options: Pick<VisitOptions, 'signal'> = {},
): Promise<BalanceView> {
  const at = chain.head
  const holdings = new Holdings(query.asset, spentBy(chain, address))
  await owned.visit(Buffer.from(address, 'hex'), (id, output) => holdings.add(toHex(id), output), options)
  // Once more: what came into the mempool while the state was read is spent as well.
  holdings.spend(spentBy(chain, address))
  return { address, at, ...holdings.view(query) }
}

/** Outputs that transactions of the mempool spend. */
function spentBy({ mempool }: EnergyChain, address: string): Set<string> {
  const spent = new Set<string>()
  for (const { sender, spends } of mempool.transactions()) {
    if (sender === address) for (const id of spends) spent.add(id)
  }
  return spent
}

/** Sums of what one address holds, and the largest outputs that it can spend. */
export class Holdings {
  readonly #asset: Asset | undefined
  readonly #spent: ReadonlySet<string>
  readonly #maxKept: number
  readonly #balances: BalanceView['balances'] = { energy: nothing(), thb: nothing(), rec: nothing() }
  #kept: OutputView[] = []

  constructor(asset: Asset | undefined, spent: ReadonlySet<string>, maxKept = MAX_KEPT) {
    this.#asset = asset
    this.#spent = spent
    this.#maxKept = maxKept
  }

  add(id: string, { asset, amount, zone }: Output): void {
    const balance = this.#balances[asset]
    balance.amount += amount
    if (this.#spent.has(id)) return
    balance.spendable += amount
    balance.outputs += 1
    if (this.#asset !== undefined && this.#asset !== asset) return
    this.#kept.push({ id, asset, amount, zone })
    if (this.#kept.length >= 2 * this.#maxKept) this.#trim()
  }

  spend(spent: ReadonlySet<string>): void {
    this.#kept = this.#kept.filter(({ id, asset, amount }) => {
      if (!spent.has(id)) return true
      this.#balances[asset].spendable -= amount
      this.#balances[asset].outputs -= 1
      return false
    })
  }

  view({ limit, offset }: { limit: number; offset: number }): Omit<BalanceView, 'address' | 'at'> {
    this.#trim()
    return { balances: this.#balances, offset, outputs: this.#kept.slice(offset, offset + limit) }
  }

  #trim(): void {
    // By id where amounts are equal: pages must not overlap.
    this.#kept = this.#kept.toSorted((a, b) => b.amount - a.amount || (a.id < b.id ? -1 : 1)).slice(0, this.#maxKept)
  }
}

function nothing(): BalanceView['balances'][Asset] {
  return { amount: 0, spendable: 0, outputs: 0 }
}
