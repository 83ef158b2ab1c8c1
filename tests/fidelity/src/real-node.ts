import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FromNode, ToNode } from './real-process.ts'

const PROCESS = fileURLToPath(new URL('real-process.ts', import.meta.url))

/** A node in a process of its own, as its parent sees it. */
export class RealNode {
  port = 0
  peerId = ''
  hasDialled = false
  meshSize = 0
  /** Share of its time that the process was busy lately, 0 to 1. */
  load = 1
  /** When it published a message, by number, in ms since 1970. */
  readonly published = new Map<number, number>()
  /** When messages arrived, in the order of that. */
  readonly arrived: { message: number; atMs: number }[] = []
  readonly #child: ChildProcess
  #error: Error | undefined

  constructor() {
    this.#child = fork(PROCESS)
    this.#child.on('message', (message: FromNode) => this.#hear(message))
    this.#child.on('error', (err) => (this.#error = err))
  }

  /** Throws what went wrong in the process, if anything has. */
  check(): void {
    if (this.#error !== undefined) throw this.#error
  }

  tell(order: ToNode): void {
    this.#child.send(order)
  }

  /** Ends the process as a power cut would. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  #hear(message: FromNode): void {
    switch (message.type) {
      case 'listening':
        this.port = message.port
        this.peerId = message.peerId
        break
      case 'dialled':
        this.hasDialled = true
        break
      case 'mesh':
        this.meshSize = message.size
        break
      case 'load':
        this.load = message.share
        break
      case 'published':
        this.published.set(message.message, message.atMs)
        break
      case 'arrived':
        this.arrived.push(message)
        break
      case 'failed':
        this.#error = new Error(message.error)
        break
    }
  }
}
