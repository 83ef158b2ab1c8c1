import { HandshakeRejectedError, type Hello, type Reason } from '@gridmesh/interfaces'
import { HandshakeViolationError } from './errors.ts'
import type { Frame, OutboundFrame } from './frame.ts'
import { settle } from './judge.ts'
import type { Decision } from './referral.ts'
import { raced } from './timing.ts'

/** The frames of one connection, whatever carries them. */
export interface Channel {
  read(signal?: AbortSignal): Promise<Frame>
  write(frame: OutboundFrame, signal?: AbortSignal): Promise<void>
  closeWrite(signal: AbortSignal): Promise<void>
}

/** What one side contributes. */
export interface Side {
  /** Our Hello. */
  hello(signal: AbortSignal): Promise<Hello>
  /** Our opinion of the peer. Aborted when the peer refuses first, or goes. */
  decide(ours: Hello, theirs: Hello, signal: AbortSignal): Promise<Decision>
  /** Starts the time we wait for an answer to our refusal. */
  farewell(): AbortSignal
}

/** What both sides agreed on. */
export interface Agreement {
  /** Our Hello as sent: our status may have changed since. */
  ours: Hello
  hello: Hello
  version: number
  capabilities: readonly string[]
}

/**
 * Runs the handshake: Hello ⇄ Hello, Verdict ⇄ Verdict. Both sides do the same, neither waits for the other to
 * begin, and a refusal may come in place of any frame.
 * @throws {HandshakeRejectedError} when either side refused
 * @throws {HandshakeViolationError} when the peer broke the protocol
 */
export async function exchange(channel: Channel, side: Side, signal: AbortSignal): Promise<Agreement> {
  const ours = await side.hello(signal)
  await channel.write({ kind: 'hello', hello: ours }, signal)
  const theirs = readHello(await channel.read(signal))

  const answer = readVerdict(channel, signal)
  const { referrals = [], ...judgement } = await decideUnlessRefused(side, ours, theirs, answer, signal)
  const refusal = judgement.ok ? undefined : judgement.reason
  await channel.write({ kind: 'verdict', refusal, referrals }, signal)

  const settled = settle(refusal, await takeAnswer(channel, side, refusal, answer))
  if (settled != null) throw new HandshakeRejectedError(settled.reason, settled.by)
  if (!judgement.ok) throw new HandshakeRejectedError(judgement.reason, 'us')
  return { ours, hello: theirs, version: judgement.version, capabilities: judgement.capabilities }
}

function readHello(frame: Frame): Hello {
  if (frame.kind === 'hello') return frame.hello
  throw refusalIn(frame) ?? outOfOrder(frame, 'hello')
}

async function readVerdict(channel: Channel, signal: AbortSignal): Promise<Reason | undefined> {
  const frame = await channel.read(signal)
  if (frame.kind === 'verdict') return frame.refusal
  throw refusalIn(frame) ?? outOfOrder(frame, 'verdict')
}

/** A peer that cannot go on says so with a goodbye once its verdict is out. */
function refusalIn(frame: Frame): HandshakeRejectedError | undefined {
  if (frame.kind === 'goodbye') return new HandshakeRejectedError(frame.reason, 'them')
  if (frame.kind === 'verdict' && frame.refusal != null) return new HandshakeRejectedError(frame.refusal, 'them')
  return undefined
}

function outOfOrder(frame: Frame, expected: string): HandshakeViolationError {
  return new HandshakeViolationError('out-of-order', `${frame.kind} came, ${expected} was expected`)
}

/**
 * Decides while listening: a peer that refuses before we are done needs no verdict of ours, and keeping silent then
 * is what lets both sides end with the same code.
 */
async function decideUnlessRefused(
  side: Side,
  ours: Hello,
  theirs: Hello,
  answer: Promise<Reason | undefined>,
  signal: AbortSignal,
): Promise<Decision> {
  const abandon = new AbortController()
  answer.then(
    (reason) => reason != null && abandon.abort(new HandshakeRejectedError(reason, 'them')),
    (err) => abandon.abort(err),
  )
  const either = AbortSignal.any([signal, abandon.signal])
  return raced(side.decide(ours, theirs, either), either)
}

/** Waits for the peer's verdict. After a refusal of ours no answer is an answer too. */
async function takeAnswer(
  channel: Channel,
  side: Side,
  refusal: Reason | undefined,
  answer: Promise<Reason | undefined>,
): Promise<Reason | undefined> {
  if (refusal == null) return answer
  const farewell = side.farewell()
  try {
    await channel.closeWrite(farewell)
    return await raced(answer, farewell)
  } catch {
    return undefined
  }
}
