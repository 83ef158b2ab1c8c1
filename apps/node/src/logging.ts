import { constants, openSync } from 'node:fs'
import type { ComponentLogger, Logger } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import pino, { type DestinationStream, type Level, type Logger as Pino } from 'pino'
import pretty from 'pino-pretty'
import debug from 'weald'

/** How the log looks and how much it says. */
export interface LogSettings {
  format: 'json' | 'pretty'
  level: LogLevel
  /** Levels by component name or its beginning; the longest match wins: `{ 'gridmesh:handshake': 'debug' }`. */
  components: Readonly<Record<string, LogLevel>>
}

/** Least severe level that is written. */
export type LogLevel = Level | 'silent'

/** The log of one node, and libp2p's view of it. */
export interface NodeLog extends ComponentLogger {
  readonly pino: Pino
  /** Applies new levels at once. The format stays. */
  setLevels(settings: Pick<LogSettings, 'level' | 'components'>): void
}

/** Bytes of lines that wait while the log cannot be written; beyond them a line is lost. */
const MAX_WAITING_BYTES = 1_048_576
/** Time that a full pipe has to be read before a process that ends gives its last lines up, in ms. */
const LAST_TRY_MS = 1_000

/**
 * Where log lines go: stdout. While it cannot be written, as on a full disk or a pipe that nobody reads, they wait for
 * the first line that it takes again: that is no reason to end a node, nor to keep one from ending.
 */
export function logDestination(): DestinationStream {
  let triesUntilMs = Infinity
  const retryEAGAIN = (): boolean => performance.now() < triesUntilMs
  const destination = pino.destination({ dest: stdoutThatNeverBlocks(), maxLength: MAX_WAITING_BYTES, retryEAGAIN })
  // At the exit of the process this tries until it has written all, and so for ever where it cannot.
  const flush = destination.flushSync.bind(destination)
  let isWritable = true
  destination.flushSync = () => {
    if (!isWritable) return
    triesUntilMs = performance.now() + LAST_TRY_MS
    try {
      flush()
    } catch {
      // Nobody read on in time: what is left is lost.
    } finally {
      triesUntilMs = Infinity
    }
  }
  destination.on('write', () => {
    isWritable = true
  })
  // Without a listener the fault ends the process, or is logged, which makes the next one.
  destination.on('error', () => {
    isWritable = false
  })
  return destination
}

/** A descriptor of stdout. A thread that waits in a write would hold up the end of the process, even at `process.exit`. */
function stdoutThatNeverBlocks(): number {
  // That Node is asked for its stream makes a pipe or a socket non-blocking. A terminal, which Ctrl-S stops, it leaves as it is.
  if (!process.stdout.isTTY) return 1
  try {
    return openSync('/dev/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return 1
  }
}

/** Creates the log of one node. It writes to stdout unless another destination is given. */
export function createLog(settings: LogSettings, destination: DestinationStream = logDestination()): NodeLog {
  const stream = settings.format === 'pretty' ? pretty({ destination, colorize: process.stdout.isTTY }) : destination
  // The root lets everything through: each component has its own threshold below.
  const root = pino({ level: 'trace', base: null, redact: ['*.token', '*.privateKey'] }, stream)
  let levels = settings

  const thresholdOf = (component: string): number => {
    const match = Object.keys(levels.components)
      .filter((name) => component.startsWith(name))
      .toSorted((a, b) => b.length - a.length)[0]
    return severity(match === undefined ? levels.level : (levels.components[match] ?? levels.level))
  }

  // One threshold a component, looked up once and again when levels change: libp2p asks for a logger per stream.
  let thresholds = new Map<string, number>()
  const cached = (name: string): number => {
    const known = thresholds.get(name) ?? thresholdOf(name)
    thresholds.set(name, known)
    return known
  }

  const forComponent = (component: string): Logger => {
    // What libp2p calls an error is mostly a peer that went away: news for those who look for it.
    const isOurs = component.startsWith('gridmesh')
    const [plain, severe]: [Level, Level] = isOurs ? ['info', 'error'] : ['trace', 'debug']
    const part = component.split(':', 2).join(':')
    const isOn = (level: Level): boolean => severity(level) >= cached(part)
    const write = (level: Level, args: unknown[]): void => {
      if (isOn(level)) root[level]({ component }, format(args))
    }
    const log = (...args: unknown[]): void => write(plain, args)
    const logger: Logger = Object.assign(log, {
      error: (...args: unknown[]) => write(severe, args),
      trace: (...args: unknown[]) => write('trace', args),
      newScope: (name: string) => forComponent(`${component}:${name}`),
      enabled: false,
    })
    return Object.defineProperty(logger, 'enabled', { get: () => isOn(plain) })
  }

  return {
    pino: root,
    forComponent,
    setLevels: (next) => {
      levels = { ...levels, ...next }
      thresholds = new Map()
    },
  }
}

function severity(level: LogLevel): number {
  return level === 'silent' ? Number.POSITIVE_INFINITY : (pino.levels.values[level] ?? 0)
}

// libp2p's logger registers its formatters with `weald`: %p peers, %a addresses, %e errors, …
defaultLogger()
const formatting = debug('gridmesh')

/** Fills libp2p's format string. */
function format([template, ...values]: unknown[]): string {
  if (template instanceof Error) return show('e', template)
  const filled = String(template).replaceAll(/%([a-zA-Z%])/g, (match, letter: string) => {
    if (letter === '%') return '%'
    if (values.length === 0) return match
    const value = values.shift()
    return show(letter, value)
  })
  return [filled, ...values.map(String)].join(' ')
}

/** A log line is never worth an exception, whatever it is about. */
function show(letter: string, value: unknown): string {
  try {
    return String(debug.formatters[letter]?.call(formatting, value) ?? value)
  } catch {
    return '(cannot be shown)'
  }
}
