import {
  DEFAULT_BAN_MS,
  DEFAULT_BAN_REPUTATION,
  DEFAULT_CLOSE_TIMEOUT_MS,
  DEFAULT_DISCONNECT_REPUTATION,
  DEFAULT_GOODBYE_TIMEOUT_MS,
  DEFAULT_HALF_LIFE_MS,
  DEFAULT_MAX_ADDRESS_LENGTH,
  DEFAULT_MAX_ADDRESSES,
  DEFAULT_MAX_CANDIDATES,
  DEFAULT_MAX_EVIDENCE_LENGTH,
  DEFAULT_MAX_LEDGER_ENTRIES,
  DEFAULT_MAX_PEERS,
  DEFAULT_MAX_STORED_PEERS,
  DEFAULT_MIN_PEERS,
  DEFAULT_READY_TIMEOUT_MS,
  DEFAULT_STORAGE_TIMEOUT_MS,
  DEFAULT_UPKEEP_INTERVAL_MS,
  MAX_REPUTATION,
  MAX_TIMER_MS,
} from './constants.ts'
import type { PeerManagerInit } from './index.ts'

/** The options with every default applied. */
export type PeerManagerOptions = Readonly<Required<PeerManagerInit>>

const DEFAULTS: PeerManagerOptions = {
  minPeers: DEFAULT_MIN_PEERS,
  maxPeers: DEFAULT_MAX_PEERS,
  maxStoredPeers: DEFAULT_MAX_STORED_PEERS,
  maxCandidates: DEFAULT_MAX_CANDIDATES,
  maxAddresses: DEFAULT_MAX_ADDRESSES,
  maxAddressLength: DEFAULT_MAX_ADDRESS_LENGTH,
  maxLedgerEntries: DEFAULT_MAX_LEDGER_ENTRIES,
  maxEvidenceLength: DEFAULT_MAX_EVIDENCE_LENGTH,
  halfLifeMs: DEFAULT_HALF_LIFE_MS,
  disconnectReputation: DEFAULT_DISCONNECT_REPUTATION,
  banReputation: DEFAULT_BAN_REPUTATION,
  banMs: DEFAULT_BAN_MS,
  upkeepIntervalMs: DEFAULT_UPKEEP_INTERVAL_MS,
  goodbyeTimeoutMs: DEFAULT_GOODBYE_TIMEOUT_MS,
  closeTimeoutMs: DEFAULT_CLOSE_TIMEOUT_MS,
  readyTimeoutMs: DEFAULT_READY_TIMEOUT_MS,
  storageTimeoutMs: DEFAULT_STORAGE_TIMEOUT_MS,
}

const COUNTS = [
  'maxPeers',
  'maxStoredPeers',
  'maxCandidates',
  'maxAddresses',
  'maxAddressLength',
  'maxLedgerEntries',
] as const
const TIMERS = ['upkeepIntervalMs', 'goodbyeTimeoutMs', 'closeTimeoutMs', 'readyTimeoutMs', 'storageTimeoutMs'] as const

/** Applies the defaults. @throws {RangeError} for a value that no peer manager can keep */
export function resolveOptions(init: PeerManagerInit = {}): PeerManagerOptions {
  const options = { ...DEFAULTS, ...init }
  for (const name of COUNTS) demand(name, options[name], isCount(options[name], 1), 'a whole number above 0')
  for (const name of ['minPeers', 'maxEvidenceLength'] as const) {
    demand(name, options[name], isCount(options[name], 0), 'a whole number, 0 or more')
  }
  for (const name of TIMERS) demand(name, options[name], isTimer(options[name]), `above 0 and at most ${MAX_TIMER_MS}`)
  for (const name of ['halfLifeMs', 'banMs'] as const) demand(name, options[name], options[name] > 0, 'above 0')
  const { disconnectReputation, banReputation } = options
  demand('disconnectReputation', disconnectReputation, isPenalty(disconnectReputation), 'from -100 to below 0')
  const isBelow = isPenalty(banReputation) && banReputation <= disconnectReputation
  demand('banReputation', banReputation, isBelow, `from -100 to disconnectReputation, ${disconnectReputation}`)
  return options
}

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least
}

function isTimer(value: number): boolean {
  return value > 0 && value <= MAX_TIMER_MS
}

function isPenalty(value: number): boolean {
  return value >= -MAX_REPUTATION && value < 0
}

function demand(name: string, value: number, isFine: boolean, rule: string): void {
  if (!isFine) throw new RangeError(`${name} ${value} must be ${rule}`)
}
