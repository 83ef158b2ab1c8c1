import type { ConfigSource, Place } from './types.ts'

/** One thing that is wrong with the settings. */
export interface ConfigProblem {
  source: ConfigSource
  /** Path of the file or profile, where it is one. */
  file?: string
  /** Counted from 1. */
  line?: number
  /** Counted from 1. */
  column?: number
  /** Dotted path of the setting; empty for a file as a whole. */
  path: string
  /** What came, as text; absent where nothing came. Never a secret. */
  received?: string
  /** What should have come, as text. */
  expected: string
  /** The known name that is nearest to an unknown one. */
  suggestion?: string
  /** All of it in one line. */
  message: string
}

/** The settings are wrong. The message has one line for each problem. */
export class ConfigError extends Error {
  static override readonly name = 'ConfigError'
  override readonly name = 'ConfigError'
  readonly code = 'invalid-config'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ message }) => message)
    super(lines.length === 1 ? lines.join() : `${lines.length} settings are wrong:\n  ${lines.join('\n  ')}`)
    this.problems = problems
  }
}

/** Why a file was not read. */
export type FileErrorCode = 'file-unreadable' | 'file-too-large' | 'file-not-utf8'

/** A file of settings could not be read. */
export class ConfigFileError extends Error {
  static override readonly name = 'ConfigFileError'
  override readonly name = 'ConfigFileError'
  readonly code: FileErrorCode
  readonly path: string

  constructor(code: FileErrorCode, path: string, reason: string, options?: ErrorOptions) {
    super(`Cannot read the settings in ${path}: ${reason}`, options)
    this.code = code
    this.path = path
  }
}

/** What a problem is made of, before its place and message are put together. */
interface ProblemParts {
  source: ConfigSource
  place?: Place | undefined
  path: string
  /** Path in the message, where it is another. */
  shownPath?: string
  /** The line without its place and path. */
  text: string
  expected: string
  received?: string | undefined
  suggestion?: string | undefined
}

/** Puts a problem together. */
export function problem(parts: ProblemParts): ConfigProblem {
  const { source, place, path, shownPath = path, text, expected, received, suggestion } = parts
  return {
    source,
    ...(place?.file == null ? {} : { file: place.file }),
    ...(place?.line == null ? {} : { line: place.line }),
    ...(place?.column == null ? {} : { column: place.column }),
    path,
    ...(received == null ? {} : { received }),
    expected,
    ...(suggestion == null ? {} : { suggestion }),
    message: [place?.where, shownPath, text].filter(Boolean).join(': '),
  }
}
