import type { Hello, PeerStatus, Quota, Reason } from '@gridmesh/interfaces'
import { reader, type Reader } from 'protons-runtime'
import { checkHello, checkReason, checkStatus } from './check-frame.ts'
import { HandshakeViolationError } from './errors.ts'
import type { Frame, FrameLimits } from './frame.ts'
import { fitReferrals } from './referral.ts'
import { FRAME, HELLO, QUOTA, REASON, STATUS, VERDICT } from './tags.ts'

type Fields = Record<number, () => void>

/**
 * Reads a frame and checks it against its limits.
 * @throws {HandshakeViolationError} for every sequence of bytes that is no frame within them
 */
export function decodeFrame(bytes: Uint8Array, limits: FrameLimits): Frame {
  try {
    return readFrame(reader(bytes), limits)
  } catch (err) {
    if (err instanceof HandshakeViolationError) throw err
    throw new HandshakeViolationError('malformed', 'the bytes are no protobuf message', { cause: err })
  }
}

function readFrame(r: Reader, limits: FrameLimits): Frame {
  const frames: Frame[] = []
  readFields(r, r.len, {
    [FRAME.hello]: () => frames.push({ kind: 'hello', hello: readHello(r, limits) }),
    [FRAME.verdict]: () => frames.push({ kind: 'verdict', ...readVerdict(r) }),
    [FRAME.status]: () => frames.push({ kind: 'status', status: readStatus(r) }),
    [FRAME.goodbye]: () => frames.push({ kind: 'goodbye', reason: readGoodbye(r) }),
  })
  if (frames.length > 1) throw new HandshakeViolationError('malformed', `${frames.length} messages are in one frame`)
  return frames[0] ?? { kind: 'unknown' }
}

/** Reads fields up to `end`. A tag without a reader is skipped, as protobuf asks of an older version. */
function readFields(r: Reader, end: number, fields: Fields): void {
  while (r.pos < end) {
    const tag = r.uint32()
    const read = fields[tag]
    if (read == null) r.skipType(tag & 7)
    else read()
  }
  // The reader checks against the end of the frame only, so a field may have run over the end of its message.
  if (r.pos !== end) throw new HandshakeViolationError('malformed', 'a field is longer than its message')
}

function endOfMessage(r: Reader): number {
  const length = r.uint32()
  return r.pos + length
}

function readHello(r: Reader, limits: FrameLimits): Hello {
  const capabilities: string[] = []
  const listenAddresses: string[] = []
  const hello: Hello = {
    protocol: { min: 0, max: 0 },
    chainId: '',
    genesisHash: '',
    height: 0,
    tipHash: '',
    role: '',
    region: '',
    capabilities,
    listenAddresses,
    userAgent: '',
    timeMs: 0,
  }
  readFields(r, endOfMessage(r), {
    [HELLO.protocolMin]: () => (hello.protocol.min = r.uint32()),
    [HELLO.protocolMax]: () => (hello.protocol.max = r.uint32()),
    [HELLO.chainId]: () => (hello.chainId = r.string()),
    [HELLO.genesisHash]: () => (hello.genesisHash = r.string()),
    [HELLO.height]: () => (hello.height = r.uint64Number()),
    [HELLO.tipHash]: () => (hello.tipHash = r.string()),
    [HELLO.role]: () => (hello.role = r.string()),
    [HELLO.region]: () => (hello.region = r.string()),
    [HELLO.capabilities]: () => pushWithin(capabilities, r.string(), 'maxCapabilities', limits),
    [HELLO.listenAddresses]: () => pushWithin(listenAddresses, r.string(), 'maxListenAddresses', limits),
    [HELLO.userAgent]: () => (hello.userAgent = r.string()),
    [HELLO.timeMs]: () => (hello.timeMs = r.uint64Number()),
    [HELLO.quota]: () => (hello.quota = readQuota(r)),
    // A copy, since the view would keep the whole frame alive for as long as the peer is ready.
    [HELLO.credentials]: () => (hello.credentials = Uint8Array.from(r.bytes())),
  })
  return checkHello(hello)
}

function pushWithin(list: string[], text: string, limit: keyof FrameLimits, limits: FrameLimits): void {
  const value = limits[limit]
  if (list.length >= value) {
    throw new HandshakeViolationError('malformed', `a list goes on beyond ${limit}, which is ${value}`, {
      limit,
      value,
    })
  }
  list.push(text)
}

function readQuota(r: Reader): Quota {
  const quota: Quota = { messagesPerSecond: 0, bytesPerSecond: 0 }
  readFields(r, endOfMessage(r), {
    [QUOTA.messagesPerSecond]: () => (quota.messagesPerSecond = r.double()),
    [QUOTA.bytesPerSecond]: () => (quota.bytesPerSecond = r.double()),
  })
  return quota
}

function readVerdict(r: Reader): { refusal: Reason | undefined; referrals?: Uint8Array[] } {
  const verdict: { accepted: boolean; reason?: Reason } = { accepted: false }
  const records: Uint8Array[] = []
  readFields(r, endOfMessage(r), {
    [VERDICT.accepted]: () => (verdict.accepted = r.bool()),
    [VERDICT.reason]: () => (verdict.reason = readReason(r)),
    [VERDICT.referrals]: () => records.push(Uint8Array.from(r.bytes())),
  })
  const referrals = fitReferrals(records)
  const { accepted, reason: refusal } = verdict
  if (accepted === (refusal == null)) return { refusal, ...(referrals.length > 0 && { referrals }) }
  throw new HandshakeViolationError('malformed', 'a verdict either accepts or has a reason')
}

function readGoodbye(r: Reader): Reason {
  const goodbye: { reason?: Reason } = {}
  readFields(r, endOfMessage(r), { [REASON.inGoodbye]: () => (goodbye.reason = readReason(r)) })
  if (goodbye.reason == null) throw new HandshakeViolationError('malformed', 'a goodbye has no reason')
  return goodbye.reason
}

function readReason(r: Reader): Reason {
  const reason: Reason = { code: '', message: '' }
  readFields(r, endOfMessage(r), {
    [REASON.code]: () => (reason.code = r.string()),
    [REASON.message]: () => (reason.message = r.string()),
    [REASON.limit]: () => (reason.limit = r.string()),
    [REASON.value]: () => (reason.value = r.double()),
  })
  return checkReason(reason)
}

function readStatus(r: Reader): PeerStatus {
  const status: PeerStatus = { height: 0, tipHash: '' }
  readFields(r, endOfMessage(r), {
    [STATUS.height]: () => (status.height = r.uint64Number()),
    [STATUS.tipHash]: () => (status.tipHash = r.string()),
  })
  return checkStatus(status)
}
