import { readFile, writeFile } from 'node:fs/promises'
import { addressOf, toHex } from '@gridmesh/ledger'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { UnusableFileError } from '../errors.ts'
import { publicKeyOf } from '../ledger-genesis.ts'
import type { KeyedMember } from './day/members.ts'
import { type PlannedNode, ZONES } from './plan.ts'

/** Money that each node and each member of a devnet has from the start, in satang: a million baht. */
const TENDER_SATANG = 100_000_000

type Node = Pick<PlannedNode, 'name' | 'role' | 'region'> & { peerId: string }

/**
 * Writes what the nodes of a devnet agree on; with a chain a meter and money for each node and each member, so that all
 * can trade at once. The chain goes on where it was left, as long as the nodes are the same.
 *
 * @throws {UnusableFileError} when the chain that is there is of other nodes
 */
export async function writeGenesis(
  path: string,
  chainId: string,
  nodes: readonly Node[],
  members: readonly KeyedMember[] | undefined,
): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => undefined)
  const time = before === undefined ? undefined : timeIn(before)
  if (members === undefined) return writeFile(path, textOf(networkOf(chainId, nodes)))
  const text = textOf(chainOf(chainId, [nodes, members], time ?? new Date().toISOString()))
  if (time !== undefined && text !== before) {
    const why = 'it began the chain of other nodes: take as many as then and the same profile, or another directory'
    throw new UnusableFileError('devnet genesis', path, why)
  }
  return writeFile(path, text)
}

function networkOf(chainId: string, nodes: readonly Node[]): object {
  const authorities = nodes.filter(({ role }) => role === 'authority').map(({ name, peerId }) => ({ name, peerId }))
  return { chainId, zones: [...ZONES], authorities }
}

function chainOf(chainId: string, [nodes, members]: [readonly Node[], readonly KeyedMember[]], time: string): object {
  const owners = [
    ...nodes.map(({ name, region, peerId }) => ({ name, zone: region, address: addressOf(publicKeyOf(peerId)) })),
    ...members,
  ].map(({ name, zone, address }) => ({ name, zone, owner: toHex(address) }))
  const authorities = nodes
    .filter(({ role }) => role === 'authority')
    // Each answers for the readings of all zones, so that one of them is enough.
    .map(({ name, peerId }) => ({ name, peerId, zones: [...ZONES] }))
  return {
    ...networkOf(chainId, nodes),
    time,
    authorities,
    meters: owners,
    tender: owners.map(({ zone, owner }) => ({ amount: TENDER_SATANG, zone, owner })),
  }
}

function textOf(genesis: object): string {
  return `# What all nodes of this network agree on.\n${stringify(genesis)}`
}

/** When the chain of a genesis text began; `undefined` where it has none. */
function timeIn(text: string): string | undefined {
  try {
    return z.object({ time: z.string() }).parse(parse(text, { schema: 'failsafe', maxAliasCount: 0 })).time
  } catch {
    return undefined
  }
}
