export const DEFAULT_ENV_PREFIX = 'GRIDMESH_'
export const DEFAULT_MAX_FILE_BYTES = 1_048_576
export const DEFAULT_MAX_ALIASES = 100
/** Collections within collections that a file may hold; far above any settings, far below the stack. */
export const MAX_DEPTH = 64
/** Values that a file may hold, those within aliased values counted each time: 100 aliases of a large one fill a heap. */
export const MAX_VALUES = 100_000
/** Characters of a wrong value or key that an error repeats. */
export const MAX_SHOWN_CHARACTERS = 80
/** Stands wherever a secret would have been printed. */
export const REDACTED = '[redacted]'
