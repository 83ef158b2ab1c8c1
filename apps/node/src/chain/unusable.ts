import { UnusableFileError } from '../errors.ts'

/** Errors of a chain that is opened: what is in its directory, or who else uses it. */
const NAMES: ReadonlySet<string> = new Set([
  'StoreLockedError',
  'StoreUnavailableError',
  'FormatVersionError',
  'CorruptStoreError',
  'WrongGenesisError',
  'StateMismatchError',
  'UnreadableBlockError',
])

/** Turns the failure to open a chain into an `UnusableFileError` where it is one of the directory. */
export function openProblem(directory: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !NAMES.has(cause.name)) return cause
  const why = cause.name === 'StoreLockedError' ? 'a node is using it; stop that first' : cause.message
  return new UnusableFileError('chain directory', directory, why, { cause })
}
