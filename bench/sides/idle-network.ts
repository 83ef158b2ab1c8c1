/** What the nodes and the peers of the idle benchmark agree on. */
export const CHAIN_ID = 'bench'
export const GENESIS_HASH = '00'.repeat(32)
export const TOPIC = 'orders'
/** More than are ever connected. */
export const MAX_PEERS = 1_100
