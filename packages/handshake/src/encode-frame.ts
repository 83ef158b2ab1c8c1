import type { Hello, PeerStatus, Quota, Reason } from '@gridmesh/interfaces'
import { writer, type Writer } from 'protons-runtime'
import type { OutboundFrame } from './frame.ts'
import { FRAME, HELLO, QUOTA, REASON, STATUS, VERDICT } from './tags.ts'
import { fitReferrals } from './referral.ts'
import { fitReason } from './text.ts'

// Written by hand on protons' writer: what protons generates from pb/handshake.proto is namespaces, which plain type
// stripping cannot erase. Fields are in the order of their numbers and defaults left out, so the bytes are the same.

/** Serialises a frame, without its length prefix. */
export function encodeFrame(frame: OutboundFrame): Uint8Array {
  const w = writer()
  w.uint32(FRAME[frame.kind]).fork()
  switch (frame.kind) {
    case 'hello':
      writeHello(w, frame.hello)
      break
    case 'verdict':
      writeVerdict(w, frame.refusal, frame.referrals)
      break
    case 'status':
      writeStatus(w, frame.status)
      break
    case 'goodbye':
      writeReason(w, frame.reason)
      break
  }
  return w.ldelim().finish()
}

function writeHello(w: Writer, hello: Hello): void {
  writeUint(w, HELLO.protocolMin, hello.protocol.min)
  writeUint(w, HELLO.protocolMax, hello.protocol.max)
  writeString(w, HELLO.chainId, hello.chainId)
  writeString(w, HELLO.genesisHash, hello.genesisHash)
  writeUint(w, HELLO.height, hello.height)
  writeString(w, HELLO.tipHash, hello.tipHash)
  writeString(w, HELLO.role, hello.role)
  writeString(w, HELLO.region, hello.region)
  for (const capability of hello.capabilities) w.uint32(HELLO.capabilities).string(capability)
  for (const address of hello.listenAddresses) w.uint32(HELLO.listenAddresses).string(address)
  writeString(w, HELLO.userAgent, hello.userAgent)
  writeUint(w, HELLO.timeMs, hello.timeMs)
  if (hello.quota != null) writeQuota(w, hello.quota)
  if (hello.credentials != null) w.uint32(HELLO.credentials).bytes(hello.credentials)
}

function writeQuota(w: Writer, quota: Quota): void {
  w.uint32(HELLO.quota).fork()
  if (quota.messagesPerSecond !== 0) w.uint32(QUOTA.messagesPerSecond).double(quota.messagesPerSecond)
  if (quota.bytesPerSecond !== 0) w.uint32(QUOTA.bytesPerSecond).double(quota.bytesPerSecond)
  w.ldelim()
}

function writeVerdict(w: Writer, reason: Reason | undefined, referrals: readonly Uint8Array[] = []): void {
  if (reason == null) {
    w.uint32(VERDICT.accepted).bool(true)
    return
  }
  writeReason(w, reason, VERDICT.reason)
  for (const record of fitReferrals(referrals)) w.uint32(VERDICT.referrals).bytes(record)
}

function writeReason(w: Writer, unfitted: Reason, tag: number = REASON.inGoodbye): void {
  const { code, message, limit, value } = fitReason(unfitted)
  w.uint32(tag).fork()
  writeString(w, REASON.code, code)
  writeString(w, REASON.message, message)
  if (limit != null) w.uint32(REASON.limit).string(limit)
  if (value != null) w.uint32(REASON.value).double(value)
  w.ldelim()
}

function writeStatus(w: Writer, status: PeerStatus): void {
  writeUint(w, STATUS.height, status.height)
  writeString(w, STATUS.tipHash, status.tipHash)
}

function writeUint(w: Writer, tag: number, value: number): void {
  if (value !== 0) w.uint32(tag).uint64Number(value)
}

function writeString(w: Writer, tag: number, value: string): void {
  if (value !== '') w.uint32(tag).string(value)
}
