/**
 * The priority lanes, most urgent first.
 *
 * - `critical`: grid emergency, system shutdown; pushed at once, never queued behind another lane, never dropped
 * - `high`: consensus
 * - `normal`: transactions, orders, market data
 * - `bulk`: block and checkpoint sync; uses what the others leave
 */
export const LANES = ['critical', 'high', 'normal', 'bulk'] as const

/** How urgent a message is. Each lane to a peer is a stream of its own. */
export type Lane = (typeof LANES)[number]
