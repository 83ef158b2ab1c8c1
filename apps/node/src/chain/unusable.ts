import { UnusableFileError } from '../errors.ts'

/** Errors of a chain that is opened: what is in its directory, or who else uses it. */
const NAMES: ReadonlySet<string> = new Set([
  'CorruptRecordError',
  'StoreLockedError',
  'StoreUnavailableError',
  'FormatVersionError',
  'CorruptStoreError',
  'WrongGenesisError',
  'StateMismatchError',
  'UnreadableBlockError',
])

/** Where the blocks are beyond use. What was signed is beside them, and has to outlive them. */
function fetchAnew(message: string): string {
  return `${message}; delete its directory blocks, and nothing else, and the chain is fetched from peers: without signing.record the key might sign twice`
}

/** Words that say more of what is to be done than the error itself. */
const WORDS: ReadonlyMap<string, (message: string) => string> = new Map<string, (message: string) => string>([
  ['StoreLockedError', () => 'a node is using it; stop that first'],
  [
    'CorruptRecordError',
    (message) =>
      `${message}; without it the key might sign twice: put back what was last written, no older copy, or have another key registered`,
  ],
  ['CorruptStoreError', fetchAnew],
  ['StateMismatchError', fetchAnew],
  ['UnreadableBlockError', fetchAnew],
])

/** Turns the failure to open a chain, or to write it, into an `UnusableFileError` where it is one of the directory. */
export function openProblem(directory: string, cause: unknown): unknown {
  const unwritten = whyUnwritten(cause)
  if (unwritten !== undefined) {
    return new UnusableFileError('chain directory', directory, `it cannot be written: ${unwritten}`, { cause })
  }
  if (!(cause instanceof Error) || !NAMES.has(cause.name)) return cause
  const said = cause.name === 'StoreUnavailableError' ? `${cause.message}: ${innermost(cause).message}` : cause.message
  const why = WORDS.get(cause.name)?.(said) ?? said
  return new UnusableFileError('chain directory', directory, why, { cause })
}

/** Where it began: what LevelDB said, say that the disk is full. */
function innermost(err: Error): Error {
  return err.cause instanceof Error ? innermost(err.cause) : err
}

/** What the disk said when a write of the store failed, be it the cause of other errors: that it is full, say. */
function whyUnwritten(err: unknown): string | undefined {
  if (!(err instanceof Error)) return undefined
  if (err.name !== 'StoreFailedError') return whyUnwritten(err.cause)
  return err.cause instanceof Error ? err.cause.message : String(err.cause)
}
