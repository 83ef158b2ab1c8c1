import { decodeAck, encodeAck } from '../../../../packages/broadcast/src/ack-codec.ts'
import { decodeControl, encodeControl } from '../../../../packages/broadcast/src/tree-codec.ts'
import {
  decodeChunkReply,
  decodeChunkRequest,
  encodeChunkReply,
  encodeChunkRequest,
} from '../../../../packages/broadcast/src/chunk-codec.ts'
import * as broadcast from '../../../../packages/broadcast/src/frame.ts'
import { jsonCodec } from '../../../../packages/envelope/src/json-codec.ts'
import { protobufCodec } from '../../../../packages/envelope/src/protobuf-codec.ts'
import { decodeFrame } from '../../../../packages/handshake/src/decode-frame.ts'
import { encodeFrame } from '../../../../packages/handshake/src/encode-frame.ts'
import type { Frame, OutboundFrame } from '../../../../packages/handshake/src/frame.ts'
import * as router from '../../../../packages/message-router/src/wire.ts'
import * as unicast from '../../../../packages/unicast/src/wire.ts'
import { MESSAGES } from '../../../../packages/unicast/test/fixtures/messages.ts'
import { fromHex, goldenHex } from '../golden.ts'
import { canonical, stable, type Target } from '../target.ts'

const envelopeRefusals = ['MalformedEnvelopeError', 'UnsupportedVersionError']
const PROTOBUF = protobufCodec()
const JSON_FORM = jsonCodec()

/** What either side may say before anything else, in its form without a length. */
const HELLO_LIMITS = { maxCapabilities: 32, maxListenAddresses: 16 }
const ROUTER_LIMITS = { maxBatchMessages: 64, maxBatchBytes: 65_536 }
const KIND = { kind: 'fuzz', maxBytes: 4_096 }
const MAX_CHUNKS = 8
const FRAME_LIMITS = { maxMessageBytes: 1_048_576, maxPushedBytes: 65_536 }

function isKnown(frame: Frame): frame is OutboundFrame {
  return frame.kind !== 'unknown'
}

function writeFrame(frame: Frame): Uint8Array {
  return isKnown(frame) ? encodeFrame(frame) : new Uint8Array()
}

function unicastBytes(message: unicast.WireMessage): Uint8Array {
  const { TYPE } = unicast
  switch (message.type) {
    case TYPE.send:
    case TYPE.request:
    case TYPE.open: {
      const { type, id, deadlineMs, key, name, payload } = message
      return flat(unicast.encodeCall(type, id, deadlineMs, key, unicast.encodeName(name), payload))
    }
    case TYPE.response:
    case TYPE.data:
      return flat(unicast.encodePayload(message.type, message.id, message.payload))
    case TYPE.error:
      return unicast.encodeError(message.id, message)
    case TYPE.refusal:
      return unicast.encodeRefusal(message)
    case TYPE.credit:
      return unicast.encodeCredit(message.id, message.bytes)
    case TYPE.end:
    case TYPE.cancel:
      break
  }
  return unicast.encodeSignal(message.type, message.id)
}

function flat(bytes: ReturnType<typeof unicast.encodeCall>): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.subarray()
}

const isString = (value: unknown): boolean => typeof value === 'string'
const isUndefined = (value: unknown): boolean => value === undefined
const isUnknown = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'unknown'

export const WIRE: readonly Target[] = [
  canonical({
    name: 'envelope-protobuf',
    seeds: goldenHex('envelope', 'envelope-protobuf'),
    decode: (bytes) => PROTOBUF.decode(bytes),
    encode: (fields) => PROTOBUF.encode(fields),
    refusals: envelopeRefusals,
  }),
  canonical({
    name: 'envelope-json',
    seeds: goldenHex('envelope', 'envelope-json'),
    decode: (bytes) => JSON_FORM.decode(bytes),
    encode: (fields) => JSON_FORM.encode(fields),
    refusals: envelopeRefusals,
  }),
  stable({
    name: 'handshake-frame',
    seeds: goldenHex('handshake'),
    decode: (bytes) => decodeFrame(bytes, HELLO_LIMITS),
    encode: writeFrame,
    refusals: ['HandshakeViolationError'],
    isRefusal: isUnknown,
  }),
  canonical({
    name: 'unicast-message',
    seeds: Object.values(MESSAGES).map(fromHex),
    decode: (bytes) => unicast.decode(bytes),
    encode: unicastBytes,
    refusals: ['MalformedMessageError'],
  }),
  stable<broadcast.Frame | broadcast.FrameFault>({
    name: 'broadcast-frame',
    seeds: ['gossip', 'flood', 'directed', 'announcement'].flatMap((name) => goldenHex('broadcast', name)),
    decode: (bytes) => broadcast.decodeFrame(bytes, FRAME_LIMITS),
    encode: (frame) => (typeof frame === 'string' ? new Uint8Array() : broadcast.encodeFrame(frame)),
    refusals: [],
    isRefusal: isString,
  }),
  stable({
    name: 'broadcast-ack',
    seeds: goldenHex('broadcast', 'ack'),
    decode: decodeAck,
    encode: (ids) => encodeAck(ids ?? []),
    refusals: [],
    isRefusal: isUndefined,
  }),
  stable({
    name: 'broadcast-tree-control',
    seeds: goldenHex('broadcast', 'tree-control'),
    decode: decodeControl,
    encode: (control) => encodeControl(control ?? {}),
    refusals: [],
    isRefusal: isUndefined,
  }),
  stable({
    name: 'broadcast-chunk-request',
    seeds: goldenHex('broadcast', 'chunk-request'),
    decode: decodeChunkRequest,
    encode: (question) => (question === undefined ? new Uint8Array() : encodeChunkRequest(question)),
    refusals: [],
    isRefusal: isUndefined,
  }),
  stable({
    name: 'broadcast-chunk-reply',
    seeds: goldenHex('broadcast', 'chunk-reply'),
    decode: (bytes) => decodeChunkReply(bytes, MAX_CHUNKS),
    encode: (chunks) => encodeChunkReply(chunks ?? []),
    refusals: [],
    isRefusal: isUndefined,
  }),
  stable({
    name: 'router-batch',
    seeds: [...goldenHex('message-router', 'batch'), ...goldenHex('message-router', 'batch-recipient')],
    decode: (bytes) => router.decodeBatch(KIND, bytes, ROUTER_LIMITS),
    encode: ({ messages, recipient }) => router.encodeBatch(messages, recipient),
    refusals: ['MessageRejectedError', 'MessageTooLargeError'],
  }),
  stable({
    name: 'router-reply',
    seeds: goldenHex('message-router', 'reply'),
    decode: (bytes) => router.decodeReply('fuzz', bytes),
    encode: ({ request, message }) => router.encodeReply(request, message),
    refusals: ['MessageRejectedError'],
  }),
]
