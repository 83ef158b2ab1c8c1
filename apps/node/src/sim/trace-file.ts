import { closeSync, openSync, writeSync } from 'node:fs'
import type { TraceEvent } from '@gridmesh/simnet'

const FLUSH_AT_CHARACTERS = 65_536

/** The trace of a run as a file: one JSON array a line. Written synchronously, since asynchronous work is simulated. */
export class TraceFile {
  readonly #fd: number
  #waiting = ''

  /** @throws what `openSync` throws */
  constructor(path: string) {
    this.#fd = openSync(path, 'w')
  }

  readonly add = ({ atMs, node, kind, detail }: TraceEvent): void => {
    this.#waiting += `${JSON.stringify([atMs, node, kind, detail])}\n`
    if (this.#waiting.length >= FLUSH_AT_CHARACTERS) this.#flush()
  }

  close(): void {
    this.#flush()
    closeSync(this.#fd)
  }

  #flush(): void {
    writeSync(this.#fd, this.#waiting)
    this.#waiting = ''
  }
}
