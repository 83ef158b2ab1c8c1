import type { SimNode } from '@gridmesh/simnet'
import { type Account, unconfirmed } from './accounts.ts'
import type { SimServices } from './app.ts'
import type { KindName } from './kinds.ts'
import type { Ledger } from './ledger.ts'
import type { Publisher } from './publisher.ts'
import type { Stage } from './stage.ts'
import { isUp } from './up.ts'

/** Time in which everybody must have a message when nothing is wrong, in ms. */
const DELIVERY_MS = 10_000
/** Time in which the author must know, in ms. */
const CONFIRMATION_MS = 15_000

/** How liveness is proved. */
export interface Proof {
  /** Messages. @default 5 */
  count?: number
  /** @default 'normal' */
  kind?: KindName
  /** Size of each, in bytes. @default 256 */
  bytes?: number
  /** Time between two of them, in ms. @default 1_000 */
  everyMs?: number
  /** Time until everybody has a message, in ms. @default 10_000 */
  withinMs?: number
  /** Nodes that are to get what others write, while they are up. @default all honest ones */
  among?: readonly SimNode<SimServices>[]
  /** Those of them that write. @default all of them */
  authors?: readonly SimNode<SimServices>[]
}

/**
 * Publishes some messages, by different nodes: each reaches every honest node that is up. Where nodes have all modules,
 * the author learns it, and a peer that it calls answers.
 */
export async function prove(
  stage: Stage,
  { ledger, publisher }: { ledger: Ledger; publisher: Publisher },
  law: string,
  proof: Proof,
): Promise<void> {
  const { count = 5, kind = 'normal', bytes = 256, everyMs = 1_000, withinMs = DELIVERY_MS } = proof
  const { among = stage.honest, authors = among } = proof
  const accounts: Account[] = []
  const calls: Promise<string | undefined>[] = []
  for (let sent = 0; sent < count; sent++) {
    // Each writes once, as far as there are enough.
    const able = authors.filter(isUp)
    const fresh = able.filter((node) => !accounts.some(({ author }) => author === node))
    const author = stage.pick(fresh.length > 0 ? fresh : able)
    const others = among.filter((node) => node !== author && isUp(node))
    const audience = new Set(others.map(({ index }) => index))
    accounts.push(publisher.publish({ author, kind, bytes, audience }))
    if (stage.hasAllModules) calls.push(stage.call(author, others))
    await stage.clock.sleep(everyMs)
  }
  const isDelivered = await stage.until(`${law}: delivered`, () => undelivered(accounts, ledger), withinMs)
  const slowestMs = Math.max(...accounts.map(({ id }) => ledger.slowestMs(id)))
  const words = `A message took ${Math.round(slowestMs)} ms, and may take ${withinMs} ms`
  if (isDelivered) stage.expect(`${law}: delivered in time`, slowestMs <= withinMs, words)
  if (!stage.hasAllModules) return
  await stage.until(`${law}: confirmed`, () => unknown(accounts, stage), CONFIRMATION_MS)
  for (const fault of await Promise.all(calls)) stage.expect(`${law}: answered`, fault === undefined, fault)
}

function undelivered(accounts: readonly Account[], ledger: Ledger): string | undefined {
  for (const { id } of accounts) {
    const missing = ledger.missing(id)
    if (missing.length > 0) return `Nodes ${missing.join(', ')} do not have ${id}`
  }
  return undefined
}

function unknown(accounts: readonly Account[], stage: Stage): string | undefined {
  for (const account of accounts) {
    const { author, id } = account
    const missing = unconfirmed(account, stage)
    if (missing.length > 0) return `Node ${author.index} does not know that nodes ${missing.join(', ')} have ${id}`
  }
  return undefined
}
