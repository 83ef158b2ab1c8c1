import { decodeMessage, encodeMessage, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface EnvelopeMessage {
  version: number
  chainId: string
  kind: string
  lane: number
  senderKey: Uint8Array<ArrayBuffer>
  sequence: bigint
  timeMs: number
  compression: number
  inflatedBytes: number
  signature: Uint8Array<ArrayBuffer>
  payload: Uint8Array<ArrayBuffer>
}

export namespace EnvelopeMessage {
  let _codec: Codec<EnvelopeMessage>

  export const codec = (): Codec<EnvelopeMessage> => {
    if (_codec == null) {
      _codec = message<EnvelopeMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint32(obj.version)
        }

        if ((obj.chainId != null && obj.chainId !== '')) {
          w.uint32(18)
          w.string(obj.chainId)
        }

        if ((obj.kind != null && obj.kind !== '')) {
          w.uint32(26)
          w.string(obj.kind)
        }

        if ((obj.lane != null && obj.lane !== 0)) {
          w.uint32(32)
          w.uint32(obj.lane)
        }

        if ((obj.senderKey != null && obj.senderKey.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.senderKey)
        }

        if ((obj.sequence != null && obj.sequence !== 0n)) {
          w.uint32(48)
          w.uint64(obj.sequence)
        }

        if ((obj.timeMs != null && obj.timeMs !== 0)) {
          w.uint32(56)
          w.uint64Number(obj.timeMs)
        }

        if ((obj.compression != null && obj.compression !== 0)) {
          w.uint32(64)
          w.uint32(obj.compression)
        }

        if ((obj.inflatedBytes != null && obj.inflatedBytes !== 0)) {
          w.uint32(72)
          w.uint32(obj.inflatedBytes)
        }

        if ((obj.signature != null && obj.signature.byteLength > 0)) {
          w.uint32(82)
          w.bytes(obj.signature)
        }

        if ((obj.payload != null && obj.payload.byteLength > 0)) {
          w.uint32(90)
          w.bytes(obj.payload)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          chainId: '',
          kind: '',
          lane: 0,
          senderKey: uint8ArrayAlloc(0),
          sequence: 0n,
          timeMs: 0,
          compression: 0,
          inflatedBytes: 0,
          signature: uint8ArrayAlloc(0),
          payload: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.version = reader.uint32()
              break
            }
            case 2: {
              obj.chainId = reader.string()
              break
            }
            case 3: {
              obj.kind = reader.string()
              break
            }
            case 4: {
              obj.lane = reader.uint32()
              break
            }
            case 5: {
              obj.senderKey = reader.bytes()
              break
            }
            case 6: {
              obj.sequence = reader.uint64()
              break
            }
            case 7: {
              obj.timeMs = reader.uint64Number()
              break
            }
            case 8: {
              obj.compression = reader.uint32()
              break
            }
            case 9: {
              obj.inflatedBytes = reader.uint32()
              break
            }
            case 10: {
              obj.signature = reader.bytes()
              break
            }
            case 11: {
              obj.payload = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.version`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.chainId`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.kind`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.lane`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.senderKey`,
                value: reader.bytes()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.sequence`,
                value: reader.uint64()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.timeMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.compression`,
                value: reader.uint32()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.inflatedBytes`,
                value: reader.uint32()
              }
              break
            }
            case 10: {
              yield {
                field: `${prefix}.signature`,
                value: reader.bytes()
              }
              break
            }
            case 11: {
              yield {
                field: `${prefix}.payload`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface EnvelopeMessageVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface EnvelopeMessageChainIdFieldEvent {
    field: '$.chainId'
    value: string
  }

  export interface EnvelopeMessageKindFieldEvent {
    field: '$.kind'
    value: string
  }

  export interface EnvelopeMessageLaneFieldEvent {
    field: '$.lane'
    value: number
  }

  export interface EnvelopeMessageSenderKeyFieldEvent {
    field: '$.senderKey'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EnvelopeMessageSequenceFieldEvent {
    field: '$.sequence'
    value: bigint
  }

  export interface EnvelopeMessageTimeMsFieldEvent {
    field: '$.timeMs'
    value: number
  }

  export interface EnvelopeMessageCompressionFieldEvent {
    field: '$.compression'
    value: number
  }

  export interface EnvelopeMessageInflatedBytesFieldEvent {
    field: '$.inflatedBytes'
    value: number
  }

  export interface EnvelopeMessageSignatureFieldEvent {
    field: '$.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EnvelopeMessagePayloadFieldEvent {
    field: '$.payload'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<EnvelopeMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, EnvelopeMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EnvelopeMessage>): EnvelopeMessage {
    return decodeMessage(buf, EnvelopeMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EnvelopeMessage>): Generator<EnvelopeMessageVersionFieldEvent | EnvelopeMessageChainIdFieldEvent | EnvelopeMessageKindFieldEvent | EnvelopeMessageLaneFieldEvent | EnvelopeMessageSenderKeyFieldEvent | EnvelopeMessageSequenceFieldEvent | EnvelopeMessageTimeMsFieldEvent | EnvelopeMessageCompressionFieldEvent | EnvelopeMessageInflatedBytesFieldEvent | EnvelopeMessageSignatureFieldEvent | EnvelopeMessagePayloadFieldEvent> {
    return streamMessage(buf, EnvelopeMessage.codec(), opts)
  }
}
