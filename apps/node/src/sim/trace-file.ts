import { closeSync, openSync, writeSync } from 'node:fs'
import type { TraceEvent } from '@gridmesh/simnet'
import { fileProblem } from '../errors.ts'

const FLUSH_AT_CHARACTERS = 65_536

/** The trace of a run as a file: one JSON array a line. Written synchronously, since asynchronous work is simulated. */
export class TraceFile {
  readonly #path: string
  readonly #fd: number
  #waiting = ''

  /** @throws {UnusableFileError} */
  constructor(path: string) {
    this.#path = path
    try {
      this.#fd = openSync(path, 'w')
    } catch (cause) {
      throw fileProblem('trace', path, cause)
    }
  }

  readonly add = ({ atMs, node, kind, detail }: TraceEvent): void => {
    this.#waiting += `${JSON.stringify([atMs, node, kind, detail])}\n`
    if (this.#waiting.length >= FLUSH_AT_CHARACTERS) this.#flush()
  }

  /** @throws {UnusableFileError} */
  close(): void {
    try {
      this.#flush()
    } finally {
      closeSync(this.#fd)
    }
  }

  #flush(): void {
    try {
      writeSync(this.#fd, this.#waiting)
    } catch (cause) {
      throw fileProblem('trace', this.#path, cause)
    }
    this.#waiting = ''
  }
}
