import { raceAbort } from './race-abort.ts'
import { createActor } from '../clock/actor.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { SIM_PORT } from '../constants.ts'
import { Random } from '../random/random.ts'
import type { Flow } from './flow.ts'
import { FairPort } from './fair-port.ts'
import { LinkModel } from './link-model.ts'
import type { Machine } from './machine.ts'
import { ConnectionResetError, WireEnd } from './wire.ts'
import type { LinkInit } from '../types.ts'

/** Bytes of a packet that opens a connection. */
const SYN_BYTES = 60
/** Streams of random numbers of machines begin here, behind those of nodes. */
const MACHINE_STREAM = 0x4000_0000

/** Nobody listens where a dial went; as the error of a socket. */
export class ConnectionRefusedError extends Error {
  static override readonly name = 'ConnectionRefusedError'
  override readonly name = 'ConnectionRefusedError'
  readonly code = 'ECONNREFUSED'

  constructor(ip: string, port: number) {
    super(`connect ECONNREFUSED ${ip}:${port}`)
  }
}

/** Ways that are closed, from some machines to others. */
export interface Block {
  blocks(from: Machine, to: Machine): boolean
}

/** The network: machines, the ways between them, and the connections on these. */
export class Fabric {
  readonly clock: VirtualClock
  readonly model: LinkModel
  readonly #seed: number
  readonly #machines: Machine[] = []
  readonly #byIp = new Map<string, Machine[]>()
  readonly #blocks = new Set<Block>()
  readonly #holding = new Set<Flow>()
  bytes = 0
  messages = 0

  constructor(clock: VirtualClock, links: LinkInit, seed: number) {
    this.clock = clock
    this.#seed = seed
    this.model = new LinkModel(links, seed)
  }

  addMachine(index: number, ip: string, region: string): Machine {
    const neighbours = this.#byIp.get(ip) ?? []
    const card = createActor(index, new Random(this.#seed, MACHINE_STREAM + index))
    const { uplinkBytesPerSecond: up, downlinkBytesPerSecond: down } = this.model
    const machine: Machine = {
      index,
      region,
      ip,
      port: SIM_PORT + neighbours.length,
      random: card.random,
      card,
      actor: card,
      listeners: new Map(),
      ends: new Set(),
      uplink: up === undefined ? undefined : new FairPort(this.clock, card, up),
      downlink: down === undefined ? undefined : new FairPort(this.clock, card, down),
      isUp: true,
    }
    this.#machines.push(machine)
    this.#byIp.set(ip, [...neighbours, machine])
    return machine
  }

  /**
   * Opens a connection: a round trip. An address where nobody listens refuses; one that cannot be reached is silent, so
   * that only the signal ends the dial.
   */
  async dial(from: Machine, ip: string, port: number, signal: AbortSignal): Promise<WireEnd> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<WireEnd>()
    const target = this.#at(ip, port)
    if (target !== undefined) this.#knock(from, target, port, resolve, reject)
    return raceAbort(promise, signal, (late) => late.end())
  }

  #knock(
    from: Machine,
    target: Machine,
    port: number,
    resolve: (end: WireEnd) => void,
    reject: (err: Error) => void,
  ): void {
    const dialler = from.actor
    const answer = (run: () => void): void => {
      if (this.isBlocked(target, from) || from.actor !== dialler) return
      const backMs = this.model.baseMs(target, from)
      this.clock.plan('arrive', dialler, backMs + this.model.delayMs(target, backMs), run, SYN_BYTES)
    }
    if (this.isBlocked(from, target)) return
    const thereMs = this.model.baseMs(from, target)
    this.count(SYN_BYTES)
    this.clock.plan(
      'link',
      target.card,
      thereMs + this.model.delayMs(from, thereMs),
      () => {
        if (!target.isUp) return
        const acceptor = target.listeners.get(port)
        if (acceptor === undefined) {
          answer(() => reject(new ConnectionRefusedError(target.ip, port)))
          return
        }
        if (this.isBlocked(target, from) || from.actor !== dialler) return
        const [near, far] = WireEnd.pair(this, from, target)
        this.clock.plan('arrive', target.actor, 0, () => acceptor(far), SYN_BYTES)
        answer(() => resolve(near))
      },
      SYN_BYTES,
    )
  }

  /** Whether somebody listens at a port of an address. */
  isTaken(ip: string, port: number): boolean {
    return this.#byIp.get(ip)?.some(({ listeners }) => listeners.has(port)) ?? false
  }

  count(bytes: number): void {
    this.bytes += bytes
    this.messages++
  }

  isBlocked(from: Machine, to: Machine): boolean {
    if (this.#blocks.size === 0) return false
    for (const block of this.#blocks) if (block.blocks(from, to)) return true
    return false
  }

  /** Keeps a flow that waits for its way to open. */
  hold(flow: Flow): void {
    this.#holding.add(flow)
  }

  /** Closes ways; connections that use them are given up if they stay closed. Returns what opens them again. */
  block(block: Block): () => void {
    this.#blocks.add(block)
    const [anyMachine] = this.#machines
    if (anyMachine !== undefined) {
      this.clock.plan('link', anyMachine.card, this.model.deadAfterMs, () => this.#giveUp(block))
    }
    return () => this.#unblock(block)
  }

  healAll(): void {
    for (const block of Array.from(this.#blocks)) this.#unblock(block)
  }

  /** Takes a machine off the network. */
  crash(machine: Machine, isSilent: boolean): void {
    machine.isUp = !isSilent
    machine.listeners.clear()
    for (const end of Array.from(machine.ends)) {
      if (isSilent) this.#loseSilently(end)
      else end.end(new ConnectionResetError('ECONNRESET'))
    }
  }

  /** Who answers for a port: whoever listens, else whose port it is, else whoever has the address. */
  #at(ip: string, port: number): Machine | undefined {
    const machines = this.#byIp.get(ip) ?? []
    const listening = machines.find(({ listeners }) => listeners.has(port))
    return listening ?? machines.find((machine) => machine.port === port) ?? machines[0]
  }

  #loseSilently(end: WireEnd): void {
    const far = end.other
    end.vanish()
    if (far === undefined) return
    this.clock.plan('link', far.machine.actor, this.model.deadAfterMs, () => {
      far.break(new ConnectionResetError('ETIMEDOUT'))
    })
  }

  #unblock(block: Block): void {
    if (!this.#blocks.delete(block)) return
    for (const flow of Array.from(this.#holding)) {
      if (this.isBlocked(flow.from, flow.to)) continue
      this.#holding.delete(flow)
      flow.release()
    }
  }

  #giveUp(block: Block): void {
    if (!this.#blocks.has(block)) return
    for (const machine of this.#machines) {
      for (const end of Array.from(machine.ends)) {
        if (!block.blocks(machine, end.remote) && !block.blocks(end.remote, machine)) continue
        this.clock.plan('link', machine.actor, 0, () => end.break(new ConnectionResetError('ETIMEDOUT')))
      }
    }
  }
}
