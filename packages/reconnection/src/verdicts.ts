/**
 * What to do after a failure.
 *
 * - `retry`: soon, it may well pass
 * - `retry-later`: it may pass, but not soon
 * - `never`: trying again cannot help as far as the failure tells
 */
export type RetryAction = 'retry' | 'retry-later' | 'never'

/** What a failure means. */
export interface Verdict {
  readonly action: RetryAction
  /** Stable, kebab-case: `refused`, `timed-out`, `wrong-chain`, … */
  readonly reason: string
  /** Holds even for a peer that is important: it is, for certain, not one of ours. */
  readonly isFinal?: true
}

type Table = Readonly<Record<string, Verdict>>

const retry = (reason: string): Verdict => ({ action: 'retry', reason })
const later = (reason: string): Verdict => ({ action: 'retry-later', reason })
const never = (reason: string): Verdict => ({ action: 'never', reason })
const final = (reason: string): Verdict => ({ action: 'never', reason, isFinal: true })

/** By `code` of errors from the system: sockets and name resolution. */
export const BY_SYSTEM_CODE: Table = {
  ECONNREFUSED: retry('refused'),
  ECONNRESET: retry('reset'),
  ECONNABORTED: retry('reset'),
  EPIPE: retry('reset'),
  ETIMEDOUT: retry('timed-out'),
  EHOSTUNREACH: retry('unreachable'),
  ENETUNREACH: retry('unreachable'),
  EHOSTDOWN: retry('unreachable'),
  ENETDOWN: retry('unreachable'),
  EADDRNOTAVAIL: retry('unreachable'),
  EAI_AGAIN: retry('dns-failed'),
  ETIMEOUT: retry('dns-failed'),
  ESERVFAIL: retry('dns-failed'),
  // A name that is not there is rarely back within seconds.
  ENOTFOUND: later('dns-not-found'),
  ENODATA: later('dns-not-found'),
  EMFILE: later('out-of-resources'),
  ENFILE: later('out-of-resources'),
  ENOBUFS: later('out-of-resources'),
  EACCES: later('not-permitted'),
  EPERM: later('not-permitted'),
}

/** By `code` of a refusal or a goodbye, whoever said it. Codes that are not here are taken for `retry-later`. */
export const BY_REASON_CODE: Table = {
  'wrong-chain': final('wrong-chain'),
  'wrong-genesis': final('wrong-genesis'),
  'wrong-fork-choice': final('wrong-fork-choice'),
  'no-common-version': never('no-common-version'),
  unauthorised: never('unauthorised'),
  unsupported: never('unsupported'),
  'protocol-violation': never('protocol-violation'),
  banned: never('banned'),
  'peer-banned': never('banned'),
  'low-reputation': never('low-reputation'),
  // Its slot went to another peer, and coming back would only take one from the next.
  idle: never('idle'),
  'probe-over': never('probe-over'),
  self: final('self'),
  'clock-skew': later('clock-skew'),
  duplicate: later('duplicate'),
  busy: later('busy'),
  'shutting-down': later('shutting-down'),
  unavailable: later('unavailable'),
  evicted: later('evicted'),
  unseen: later('unseen'),
  'inbound-full': later('full'),
  'outbound-full': later('full'),
  'ip-full': later('full'),
  'network-full': later('full'),
  'pending-full': later('full'),
  'too-many-attempts': later('rate-limited'),
  'queue-full': later('busy'),
  'rate-limited': later('rate-limited'),
  timeout: retry('timed-out'),
  closed: retry('closed'),
  'not-connected': retry('closed'),
  leaving: retry('closed'),
  stopped: retry('not-started'),
}

/** By `code` of the reason for which we part ourselves: those that say nothing against the peer. All others are final. */
export const BY_OWN_REASON_CODE: Table = {
  // The link is dead, and the peer may not be.
  unseen: later('unseen'),
}

/** By `name` of errors from libp2p. */
export const BY_NAME: Table = {
  TimeoutError: retry('timed-out'),
  AbortError: retry('aborted'),
  ConnectionClosedError: retry('closed'),
  ConnectionClosingError: retry('closed'),
  MuxerClosedError: retry('closed'),
  StreamResetError: retry('reset'),
  StreamAbortedError: retry('reset'),
  ConnectionFailedError: retry('refused'),
  NotStartedError: retry('not-started'),
  DialError: later('dial-failed'),
  ConnectionDeniedError: later('busy'),
  InvalidCryptoExchangeError: later('encryption-failed'),
  DialDeniedError: never('denied'),
  ConnectionInterceptedError: never('denied'),
  PeerBannedError: never('banned'),
  // Somebody else answers there.
  UnexpectedPeerError: never('wrong-peer'),
  NoValidAddressesError: never('no-address'),
  TransportUnavailableError: never('unsupported-transport'),
  UnsupportedProtocolError: never('unsupported'),
  // libp2p says this of a dial to ourselves, and the peer id was parsed long before.
  InvalidPeerIdError: final('self'),
}

/** Errors that say why by a code, which may be any: it is the code of a refusal even where the system has it too. */
export const REFUSALS: ReadonlySet<string> = new Set(['HandshakeRejectedError', 'ConnectionRefusedError'])

/** Errors of which libp2p keeps nothing but the message, whatever happened below. */
export const WRAPPERS: ReadonlySet<string> = new Set(['EncryptionFailedError', 'MuxerUnavailableError'])

/** By the message of a wrapper, first match first. */
export const BY_MESSAGE: readonly (readonly [RegExp, Verdict])[] = [
  [/ECONNRESET|EPIPE|reset/i, retry('reset')],
  [/time(d )?-?out/i, retry('timed-out')],
  [/abort/i, retry('aborted')],
  [/unexpected eof|unexpected end|closed/i, retry('closed')],
  [/does not match expected remote identity|unexpected peer/i, never('wrong-peer')],
  [/could not negotiate .*\/(noise|tls)\b/i, never('no-common-encryption')],
  [/could not negotiate|protocol selection failed/i, never('unsupported')],
]

/** A wrapper with any other message: whoever answers there speaks something else at the moment. */
export const BROKEN_UPGRADE = later('encryption-failed')
/** Of an error that no table knows. */
export const UNKNOWN = retry('unknown')
/** The connection ended and nobody said why. */
export const LOST = retry('lost')
/** We parted from the peer ourselves. */
export const LEFT = never('we-left')
/** The peer is banned here. */
export const BANNED = never('banned')

/** Of a peer that an operator wants for ever, nothing is given up but what is certain. */
export function temper(verdict: Verdict, isImportant: boolean): Verdict {
  if (!isImportant || verdict.action !== 'never' || verdict.isFinal === true) return verdict
  return { action: 'retry-later', reason: verdict.reason }
}

/** Every reason that the tables can give, for labels: a remote must not choose those. */
export const KNOWN_REASONS: ReadonlySet<string> = new Set(
  [
    ...[BY_SYSTEM_CODE, BY_REASON_CODE, BY_NAME].flatMap((table) => Object.values(table)),
    ...BY_MESSAGE.map(([, verdict]) => verdict),
    BROKEN_UPGRADE,
    UNKNOWN,
    LOST,
    LEFT,
    BANNED,
  ].map(({ reason }) => reason),
)
