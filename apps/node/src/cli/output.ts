import { clearLine, cursorTo } from 'node:readline'
import Table from 'cli-table3'
import { Presets, SingleBar } from 'cli-progress'
import { colours } from './colours.ts'

/** Progress of long work, on a terminal. */
export interface Progress {
  advance(done: number, note?: string): void
  /** Makes room for a remark; the next advance shows it again. */
  clear(): void
  end(): void
}

/** What a command says: for people, or as JSON for machines. */
export class Output {
  readonly json: boolean

  constructor(options: { json?: boolean | undefined }) {
    this.json = options.json ?? false
  }

  /** Whether a person watches, and so what changes can be shown as it does. */
  get isInteractive(): boolean {
    return !this.json && process.stderr.isTTY
  }

  /** One result: as it is for machines, in the given words for people. */
  result(data: unknown, words: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(data, null, 2) : words()}\n`)
  }

  /** A remark for people, beside the result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  /** A progress bar where stderr is a terminal and people read; silent elsewhere. */
  progress(what: string, total: number): Progress {
    if (!this.isInteractive) return { advance: () => {}, clear: () => {}, end: () => {} }
    const format = `${what} {bar} {percentage}% | {value}/{total} | {note}`
    const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true }, Presets.shades_classic)
    bar.start(total, 0, { note: '' })
    return {
      advance: (done, note = '') => bar.update(done, { note }),
      clear: () => {
        cursorTo(process.stderr, 0)
        clearLine(process.stderr, 0)
      },
      end: () => bar.stop(),
    }
  }
}

/** Rows under bold heads, without frames, for a terminal. */
export function table(head: string[], rows: (string | number)[][]): string {
  const made = new Table({
    head: head.map((text) => colours.bold(text)),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(
      ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
        .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
        .map((name) => [name, '']),
    ),
  })
  made.push(...rows.map((row) => row.map(String)))
  return made.toString()
}
