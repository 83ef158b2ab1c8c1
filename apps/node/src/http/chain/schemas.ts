import { z } from 'zod'
import { shown, textOf } from '../../faults.ts'

/** The assets; the ledger's own, which a command that only asks has no need to load. */
export const asset = z.enum(['energy', 'thb', 'rec']).describe('energy in Wh, thb in satang, rec in Wh')

const HASH = /^[0-9a-f]{64}$/
/** Below 10^15, and so a safe integer. */
const NUMBER = /^(0|[1-9][0-9]{0,14})$/

/** A hash of a block or of a transaction. */
export const hash = textOf(HASH, '64 lower-case hex digits')
/** Whom outputs belong to. */
export const address = textOf(HASH, 'an address of 64 lower-case hex digits').describe(
  'sha256 of the public key of the owner, in hex',
)
/** A height in a path. */
export const heightText = textOf(NUMBER, 'a height, a whole number from 0 of at most 15 digits')
/** Name of a meter in a path. */
export const meterName = textOf(/^.{1,64}$/su, 'the name of a meter, 1 to 64 characters')

/** A whole number of the query, within bounds. */
function count(name: string, min: number, max: number, value: number) {
  const rule = `a whole number from ${min} to ${max}`
  return textOf(NUMBER, rule)
    .refine((text) => Number(text) >= min && Number(text) <= max, {
      error: ({ input }) => `expected ${rule}, got ${shown(input)}`,
    })
    .transform(Number)
    .default(value)
    .describe(`${name}, ${rule}`)
}

/** Outputs, or ids, that one answer lists. */
export const MAX_PAGE = 1_000
/** How far a list can be paged through; beyond it only the sums count. */
export const MAX_LISTED = 100_000

/** Which part of a list is asked for. */
export const page = {
  limit: count('How many', 1, MAX_PAGE, 100),
  offset: count('How many are passed over', 0, MAX_LISTED, 0),
}

const integer = z.int().nonnegative()
const tip = z.object({ height: integer, hash: z.string() })
const byAsset = <T extends z.ZodType>(value: T) => z.object({ energy: value, thb: value, rec: value })

/** How far a sync is. */
export const syncProgress = z.object({
  from: integer.describe('Height at which it began'),
  height: integer.describe('Height that is reached; of a checkpoint and of history, what is done'),
  target: integer.describe('What a peer claims'),
  blocks_per_second: z.number(),
})

/** Answer of `GET /chain/info`. */
export const chainInfo = z.object({
  name: z.string(),
  chain_id: z.string().describe('Hash of the genesis block'),
  ...tip.shape,
  time_ms: integer.describe('Time of the newest block, ms since the epoch'),
  state_root: z.string(),
  finalised: tip.describe('The newest block that can no longer be reverted'),
  fork_choice: z.string().describe('Which of two branches is better: chain.forkChoice'),
  authorities: z.array(z.string()).describe('Addresses of those who may make blocks'),
  zones: z.array(z.string()).describe('Names of the zones, each at its number'),
  mempool: z.object({ transactions: integer, bytes: integer, waiting: integer }),
  supplies: byAsset(z.object({ minted: integer, burned: integer, held: integer })),
  sync: z.object({
    phase: z.enum(['idle', 'blocks', 'checkpoint', 'history']),
    progress: syncProgress.nullable(),
    peers: integer.describe('Peers that are asked'),
    last: z
      .object({ status: z.enum(['synced', 'failed']), code: z.string().nullable(), message: z.string().nullable() })
      .nullable(),
  }),
  failure: z
    .string()
    .nullable()
    .describe('Why the chain takes nothing until the node starts anew; where not even this can be read, 503 says why'),
})

/** Answer of the routes of one block. */
export const blockView = z.object({
  ...tip.shape,
  parent: z.string(),
  time_ms: integer,
  kind: z.enum(['genesis', 'energy', 'governance']),
  proposer: z.string().describe('Address of who made it; that of zeros for genesis'),
  tx_root: z.string(),
  state_root: z.string(),
  grid_sequence: integer,
  size: integer.describe('Bytes'),
  final: z.boolean().describe('Whether it can no longer be reverted'),
  main: z.boolean().describe('Whether it is on the branch of the head'),
  transactions: z.array(z.object({ id: z.string(), kind: z.string(), sender: z.string() })),
  bytes: z.string().optional().describe('The block itself in base64, where bytes=true asks for it'),
})

/** Query of the routes of one block. */
export const blockQuery = z.strictObject({
  bytes: z.enum(['true', 'false']).optional(),
})

/** Body of `POST /transaction`: 64 KiB in hex at most, which is the longer one. */
export const transactionBody = z.strictObject({
  bytes: textOf(
    /^(?!0x)(?:(?:[0-9a-fA-F]{2}){1,65536}|(?:[A-Za-z0-9+/]{4}){0,21845}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4}))$/,
    'a transaction of 1 to 65536 bytes, in hex or base64',
  ).describe('The signed transaction, in hex or base64'),
})

/** Answer of `POST /transaction`. */
export const sentTransaction = z.object({
  id: z.string(),
  status: z.enum(['added', 'waiting']),
  missing: z.object({ code: z.string(), message: z.string() }).nullable().describe('What it waits for'),
})

/** Answer of `GET /transaction/:hash`. */
export const transactionView = z.object({
  id: z.string(),
  status: z.enum(['pending', 'included']).describe('pending: in the mempool, or there waiting for what it builds on'),
  kind: z.string(),
  sender: z.string().describe('Address of who signed it'),
  nonce: integer.nullable(),
  size: integer.describe('Bytes'),
  body: z.record(z.string(), z.unknown()).describe('As its kind has it; bytes in hex'),
  block: z
    .object({ ...tip.shape, position: integer, time_ms: integer, final: z.boolean(), confirmations: integer })
    .nullable(),
})

/** Answer of `GET /mempool`. */
export const mempoolView = z.object({
  transactions: integer,
  bytes: integer,
  senders: integer,
  waiting: integer,
  waiting_bytes: integer,
  pending: integer.describe('Being checked'),
  added: integer,
  refused: z.record(z.string(), integer).describe('Since the start, by code'),
  removed: z.record(z.string(), integer).describe('Since the start, by reason'),
  offset: integer,
  ids: z.array(z.string()).describe('In the order in which blocks take them'),
})

/** One output that can be spent. */
export const outputView = z.object({
  id: z.string().describe('Id of the transaction that made it, and its place there'),
  asset,
  amount: integer,
  zone: integer,
})

/** Query of `GET /state/balances/:address`. */
export const balanceQuery = z.strictObject({ ...page, asset: asset.optional() })

/** Answer of `GET /state/balances/:address`. */
export const balanceView = z.object({
  address: z.string(),
  at: tip,
  balances: byAsset(
    z.object({
      amount: integer,
      spendable: integer.describe('Without what transactions of the mempool spend'),
      outputs: integer.describe('How many can be spent'),
    }),
  ),
  offset: integer,
  outputs: z.array(outputView).describe('What can be spent, the largest amounts first'),
})

/** Answer of `GET /state/zones`. */
export const zonesView = z.object({
  at: tip,
  zones: z.array(
    z.object({
      zone: integer.describe('Number of the zone'),
      name: z.string(),
      produced_wh: integer,
      consumed_wh: integer,
      meters: integer.describe('How many'),
      held: byAsset(integer).describe('What the outputs of the zone hold'),
    }),
  ),
})

/** Answer of `GET /state/meters/:name`. */
export const meterView = z.object({
  name: z.string(),
  zone: integer,
  owner: z.string().describe('Address'),
  sequence: integer.describe('Of the newest reading; 0 before the first'),
  produced_wh: integer,
  consumed_wh: integer,
})
