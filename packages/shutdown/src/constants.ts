export const DEFAULT_GRACE_MS = 30_000
export const DEFAULT_STEP_DEADLINE_MS = 5_000
export const DEFAULT_FLUSH_RESERVE_MS = 5_000
// libp2p's address manager lets a timer of 1_000 ms run out after a listener has closed.
export const DEFAULT_SETTLE_MS = 2_000

/** Time between two looks at what is left, in ms. */
export const LOOK_INTERVAL_MS = 25
/** Resources of standard input and output: they appear with the first line written, and stay. */
export const DEFAULT_IGNORED_RESOURCES: readonly string[] = ['PipeWrap', 'TTYWrap']
/** Longest delay of a timer, in ms; a longer one fires at once. */
export const MAX_TIMER_MS = 2_147_483_647
