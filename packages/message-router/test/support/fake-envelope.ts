import type { Envelope, Lane, MaybePromise, Opened, OpenOptions, ReportClass, Unsealed } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { createHash } from 'node:crypto'

/** An error as an envelope throws it. */
export class FakeEnvelopeError extends Error {
  readonly code: string
  readonly report: ReportClass

  constructor(code: string, report: ReportClass) {
    super(`envelope: ${code}`)
    this.code = code
    this.report = report
  }
}

interface Wire {
  kind: string
  lane: Lane
  sender: string
  sequence: string
  timeMs: number
  payload: string
  seal: string
}

/** Seals by hash instead of signature: anybody could forge it, which is what some tests want. */
export class FakeEnvelope implements Envelope {
  readonly #self: PeerId
  readonly #isAsync: boolean
  readonly #seen = new Set<string>()
  #sequence = 0n

  constructor(self: PeerId, isAsync = false) {
    this.#self = self
    this.#isAsync = isAsync
  }

  seal(message: Unsealed): MaybePromise<Uint8Array> {
    this.#sequence++
    const bytes = sealAs(this.#self, this.#sequence, message)
    if (!this.#isAsync) return bytes
    // Later seals are done sooner, as a worker pool may have it.
    const turns = Number(10n - (this.#sequence % 10n))
    return turnsFrom(turns, () => bytes)
  }

  open(bytes: Uint8Array, options: OpenOptions = {}): MaybePromise<Opened> {
    return this.#isAsync ? turnsFrom(2, () => this.#open(bytes, options)) : this.#open(bytes, options)
  }

  #open(bytes: Uint8Array, options: OpenOptions): Opened {
    const { sender } = options
    const wire = parse(bytes)
    if (options.isKnownKind?.(wire.kind) === false) throw new FakeEnvelopeError('unknown-kind', 'absent')
    const payload = new Uint8Array(Buffer.from(wire.payload, 'base64'))
    const maxBytes = options.maxBytes?.(wire.kind)
    if (maxBytes != null && payload.byteLength > maxBytes) {
      throw new FakeEnvelopeError('too-large', 'protocol-violation')
    }
    if (sender != null && sender.toString() !== wire.sender) {
      throw new FakeEnvelopeError('unexpected-sender', 'protocol-violation')
    }
    const id = `${wire.sender}/${wire.sequence}`
    if (this.#seen.has(id)) throw new FakeEnvelopeError('replay', 'absent')
    if (wire.seal !== hashOf(wire)) throw new FakeEnvelopeError('invalid-signature', 'invalid-signature')
    this.#seen.add(id)
    return {
      kind: wire.kind,
      lane: wire.lane,
      sender: peerIdFromString(wire.sender),
      sequence: BigInt(wire.sequence),
      timeMs: wire.timeMs,
      payload,
    }
  }
}

/** Seals in the name of `sender`. */
export function sealAs(sender: PeerId, sequence: bigint, { kind, lane, payload }: Unsealed): Uint8Array {
  const unsealed = {
    kind,
    lane,
    sender: sender.toString(),
    sequence: sequence.toString(),
    timeMs: 1_000,
    payload: Buffer.from(payload).toString('base64'),
  }
  return new TextEncoder().encode(JSON.stringify({ ...unsealed, seal: hashOf(unsealed) }))
}

function parse(bytes: Uint8Array): Wire {
  const malformed = new FakeEnvelopeError('malformed', 'protocol-violation')
  try {
    const wire = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Wire> | null
    if (typeof wire?.seal !== 'string') throw malformed
    return wire as Wire
  } catch {
    throw malformed
  }
}

function hashOf({ kind, lane, sender, sequence, payload }: Omit<Wire, 'seal'>): string {
  return createHash('sha256').update([kind, lane, sender, sequence, payload].join('|')).digest('hex')
}

async function turnsFrom<T>(turns: number, value: () => T): Promise<T> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
  return value()
}
