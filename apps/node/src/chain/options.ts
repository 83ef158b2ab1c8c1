import type { QueueLimits } from './import-queue.ts'
import type { EarlyLimits } from './early-blocks.ts'
import type { SideLimits } from './side-blocks.ts'
import type { VerifierLimits } from './verifier.ts'

/** Bounds of the chain. */
export interface ChainLimitsInit {
  /** Blocks that wait to be imported, from 1; beyond is an `ImportQueueFullError`. @default 128 */
  maxQueuedBlocks?: number
  /** Their bytes together, from 1; beyond is an `ImportQueueFullError`. @default 33_554_432 */
  maxQueuedBytes?: number
  /** Blocks beside the main chain; beyond, the worst end of a branch goes of whoever made most of them. No switch reverts more. @default 8_192 */
  maxSideBlocks?: number
  /** Their bytes together; beyond, the worst end of a branch goes of whoever made most of them. No switch reverts more. @default 67_108_864 */
  maxSideBytes?: number
  /** Invalid blocks that are remembered, from 1; beyond, the oldest is forgotten, and judged anew if it comes again. @default 4_096 */
  maxMarks?: number
  /** Blocks that only lack time and are kept until then; beyond, the latest goes of whoever made most, and has to be sent again. 0 keeps none. @default 16 */
  maxEarlyBlocks?: number
  /** Time that such a block may lack, in ms; one that lacks more has to be sent again. @default 10_000 */
  maxEarlyMs?: number
  /** Time that one call of `verify` may take, in ms, from 1; then the import is a `VerifyFailedError`. @default 10_000 */
  verifyDeadlineMs?: number
}

/** The bounds with every default applied. */
export type ChainLimits = QueueLimits & SideLimits & EarlyLimits & VerifierLimits & { readonly maxMarks: number }

const DEFAULTS: ChainLimits = {
  maxQueuedBlocks: 128,
  maxQueuedBytes: 33_554_432,
  maxSideBlocks: 8_192,
  maxSideBytes: 67_108_864,
  maxMarks: 4_096,
  maxEarlyBlocks: 16,
  maxEarlyMs: 10_000,
  verifyDeadlineMs: 10_000,
}
/** Least values; 1 where none is named. */
const LEAST: Partial<ChainLimits> = { maxSideBlocks: 0, maxSideBytes: 0, maxEarlyBlocks: 0, maxEarlyMs: 0 }
/** Longest delay of a timer, in ms; a longer one fires at once. */
const MAX_TIMER_MS = 2_147_483_647

/** Applies the defaults. @throws {RangeError} naming the option, the value and the range */
export function chainLimits(init: ChainLimitsInit): ChainLimits {
  const limits = { ...DEFAULTS, ...init }
  for (const name of Object.keys(DEFAULTS)) {
    if (!isOption(name)) continue
    const [value, least] = [limits[name], LEAST[name] ?? 1]
    const most = name.endsWith('Ms') ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue
    throw new RangeError(`${name} is ${value}, and must be a whole number from ${least} to ${most}`)
  }
  return limits
}

function isOption(name: string): name is keyof ChainLimits {
  return name in DEFAULTS
}
