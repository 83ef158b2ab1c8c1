import type { Hello, PeerStatus, Reason } from '@gridmesh/interfaces'
import {
  MAX_ADDRESS_BYTES,
  MAX_CREDENTIALS_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
  MAX_TEXT_BYTES,
} from './constants.ts'
import { HandshakeViolationError } from './errors.ts'
import { codeFault, textFault } from './text.ts'

/** Checks a Hello that came. @throws {HandshakeViolationError} when a field is outside its limits */
export function checkHello(hello: Hello): Hello {
  const { min, max } = hello.protocol
  if (!(min >= 1 && min <= max)) fail('protocol', `is ${min} to ${max}`)
  checkText('chainId', hello.chainId, MAX_TEXT_BYTES)
  checkText('genesisHash', hello.genesisHash, MAX_TEXT_BYTES)
  checkStatus(hello)
  checkText('role', hello.role, MAX_NAME_BYTES)
  checkText('region', hello.region, MAX_NAME_BYTES)
  for (const capability of hello.capabilities) checkText('capabilities', capability, MAX_NAME_BYTES)
  for (const address of hello.listenAddresses) checkText('listenAddresses', address, MAX_ADDRESS_BYTES)
  checkText('userAgent', hello.userAgent, MAX_TEXT_BYTES)
  checkWhole('timeMs', hello.timeMs)
  for (const rate of Object.values(hello.quota ?? {})) {
    if (!(rate >= 0 && rate < Infinity)) fail('quota', `has a rate of ${rate}`)
  }
  const { byteLength } = hello.credentials ?? new Uint8Array()
  if (byteLength > MAX_CREDENTIALS_BYTES) {
    fail('credentials', `are ${byteLength} bytes long, at most ${MAX_CREDENTIALS_BYTES} are allowed`)
  }
  return hello
}

/** Checks a status that came. @throws {HandshakeViolationError} when a field is outside its limits */
export function checkStatus(status: PeerStatus): PeerStatus {
  checkWhole('height', status.height)
  checkText('tipHash', status.tipHash, MAX_TEXT_BYTES)
  return status
}

/** Checks a reason that came. @throws {HandshakeViolationError} when a field is outside its limits */
export function checkReason(reason: Reason): Reason {
  const fault = codeFault(reason.code)
  if (fault != null) fail('code', fault)
  checkText('message', reason.message, MAX_MESSAGE_BYTES)
  if (reason.limit != null) checkText('limit', reason.limit, MAX_NAME_BYTES)
  if (reason.value != null && !Number.isFinite(reason.value)) fail('value', `is ${reason.value}`)
  return reason
}

function checkText(field: string, value: string, maxBytes: number): void {
  const fault = textFault(value, maxBytes)
  if (fault != null) fail(field, fault)
}

function checkWhole(field: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0)) fail(field, `is ${value}`)
}

function fail(field: string, fault: string): never {
  throw new HandshakeViolationError('malformed', `${field} ${fault}`)
}
