import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface StateRecord {
  version: number
  isClean: boolean
  leaseMs: number
  floorMs: number
  sequenceMark: bigint
  senderKeys: Uint8Array<ArrayBuffer>[]
  lanes: number[]
  tops: bigint[]
  newestMs: number[]
  aheadKeys: Uint8Array<ArrayBuffer>[]
  aheadMs: number[]
}

export namespace StateRecord {
  let _codec: Codec<StateRecord>

  export const codec = (): Codec<StateRecord> => {
    if (_codec == null) {
      _codec = message<StateRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint32(obj.version)
        }

        if ((obj.isClean != null && obj.isClean !== false)) {
          w.uint32(16)
          w.bool(obj.isClean)
        }

        if ((obj.leaseMs != null && obj.leaseMs !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.leaseMs)
        }

        if ((obj.floorMs != null && obj.floorMs !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.floorMs)
        }

        if ((obj.sequenceMark != null && obj.sequenceMark !== 0n)) {
          w.uint32(40)
          w.uint64(obj.sequenceMark)
        }

        if (obj.senderKeys != null && obj.senderKeys.length > 0) {
          for (const value of obj.senderKeys) {
            w.uint32(50)
            w.bytes(value)
          }
        }

        if (obj.lanes != null && obj.lanes.length > 0) {
          for (const value of obj.lanes) {
            w.uint32(56)
            w.uint32(value)
          }
        }

        if (obj.tops != null && obj.tops.length > 0) {
          for (const value of obj.tops) {
            w.uint32(64)
            w.uint64(value)
          }
        }

        if (obj.newestMs != null && obj.newestMs.length > 0) {
          for (const value of obj.newestMs) {
            w.uint32(72)
            w.uint64Number(value)
          }
        }

        if (obj.aheadKeys != null && obj.aheadKeys.length > 0) {
          for (const value of obj.aheadKeys) {
            w.uint32(82)
            w.bytes(value)
          }
        }

        if (obj.aheadMs != null && obj.aheadMs.length > 0) {
          for (const value of obj.aheadMs) {
            w.uint32(88)
            w.uint64Number(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          isClean: false,
          leaseMs: 0,
          floorMs: 0,
          sequenceMark: 0n,
          senderKeys: [],
          lanes: [],
          tops: [],
          newestMs: [],
          aheadKeys: [],
          aheadMs: []
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
              obj.isClean = reader.bool()
              break
            }
            case 3: {
              obj.leaseMs = reader.uint64Number()
              break
            }
            case 4: {
              obj.floorMs = reader.uint64Number()
              break
            }
            case 5: {
              obj.sequenceMark = reader.uint64()
              break
            }
            case 6: {
              if (opts.limits?.senderKeys != null && obj.senderKeys.length === opts.limits.senderKeys) {
                throw new MaxLengthError('Decode error - repeated field "senderKeys" had too many elements')
              }

              obj.senderKeys.push(reader.bytes())
              break
            }
            case 7: {
              if (opts.limits?.lanes != null && obj.lanes.length === opts.limits.lanes) {
                throw new MaxLengthError('Decode error - repeated field "lanes" had too many elements')
              }

              obj.lanes.push(reader.uint32())
              break
            }
            case 8: {
              if (opts.limits?.tops != null && obj.tops.length === opts.limits.tops) {
                throw new MaxLengthError('Decode error - repeated field "tops" had too many elements')
              }

              obj.tops.push(reader.uint64())
              break
            }
            case 9: {
              if (opts.limits?.newestMs != null && obj.newestMs.length === opts.limits.newestMs) {
                throw new MaxLengthError('Decode error - repeated field "newestMs" had too many elements')
              }

              obj.newestMs.push(reader.uint64Number())
              break
            }
            case 10: {
              if (opts.limits?.aheadKeys != null && obj.aheadKeys.length === opts.limits.aheadKeys) {
                throw new MaxLengthError('Decode error - repeated field "aheadKeys" had too many elements')
              }

              obj.aheadKeys.push(reader.bytes())
              break
            }
            case 11: {
              if (opts.limits?.aheadMs != null && obj.aheadMs.length === opts.limits.aheadMs) {
                throw new MaxLengthError('Decode error - repeated field "aheadMs" had too many elements')
              }

              obj.aheadMs.push(reader.uint64Number())
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
        const obj = {
          senderKeys: 0,
          lanes: 0,
          tops: 0,
          newestMs: 0,
          aheadKeys: 0,
          aheadMs: 0
        }

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
                field: `${prefix}.isClean`,
                value: reader.bool()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.leaseMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.floorMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.sequenceMark`,
                value: reader.uint64()
              }
              break
            }
            case 6: {
              if (opts.limits?.senderKeys != null && obj.senderKeys === opts.limits.senderKeys) {
                throw new MaxLengthError('Streaming decode error - repeated field "senderKeys" had too many elements')
              }

              yield {
                field: `${prefix}.senderKeys[]`,
                index: obj.senderKeys,
                value: reader.bytes()
              }

              obj.senderKeys++

              break
            }
            case 7: {
              if (opts.limits?.lanes != null && obj.lanes === opts.limits.lanes) {
                throw new MaxLengthError('Streaming decode error - repeated field "lanes" had too many elements')
              }

              yield {
                field: `${prefix}.lanes[]`,
                index: obj.lanes,
                value: reader.uint32()
              }

              obj.lanes++

              break
            }
            case 8: {
              if (opts.limits?.tops != null && obj.tops === opts.limits.tops) {
                throw new MaxLengthError('Streaming decode error - repeated field "tops" had too many elements')
              }

              yield {
                field: `${prefix}.tops[]`,
                index: obj.tops,
                value: reader.uint64()
              }

              obj.tops++

              break
            }
            case 9: {
              if (opts.limits?.newestMs != null && obj.newestMs === opts.limits.newestMs) {
                throw new MaxLengthError('Streaming decode error - repeated field "newestMs" had too many elements')
              }

              yield {
                field: `${prefix}.newestMs[]`,
                index: obj.newestMs,
                value: reader.uint64Number()
              }

              obj.newestMs++

              break
            }
            case 10: {
              if (opts.limits?.aheadKeys != null && obj.aheadKeys === opts.limits.aheadKeys) {
                throw new MaxLengthError('Streaming decode error - repeated field "aheadKeys" had too many elements')
              }

              yield {
                field: `${prefix}.aheadKeys[]`,
                index: obj.aheadKeys,
                value: reader.bytes()
              }

              obj.aheadKeys++

              break
            }
            case 11: {
              if (opts.limits?.aheadMs != null && obj.aheadMs === opts.limits.aheadMs) {
                throw new MaxLengthError('Streaming decode error - repeated field "aheadMs" had too many elements')
              }

              yield {
                field: `${prefix}.aheadMs[]`,
                index: obj.aheadMs,
                value: reader.uint64Number()
              }

              obj.aheadMs++

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

  export interface StateRecordVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface StateRecordIsCleanFieldEvent {
    field: '$.isClean'
    value: boolean
  }

  export interface StateRecordLeaseMsFieldEvent {
    field: '$.leaseMs'
    value: number
  }

  export interface StateRecordFloorMsFieldEvent {
    field: '$.floorMs'
    value: number
  }

  export interface StateRecordSequenceMarkFieldEvent {
    field: '$.sequenceMark'
    value: bigint
  }

  export interface StateRecordSenderKeysFieldEvent {
    field: '$.senderKeys[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface StateRecordLanesFieldEvent {
    field: '$.lanes[]'
    index: number
    value: number
  }

  export interface StateRecordTopsFieldEvent {
    field: '$.tops[]'
    index: number
    value: bigint
  }

  export interface StateRecordNewestMsFieldEvent {
    field: '$.newestMs[]'
    index: number
    value: number
  }

  export interface StateRecordAheadKeysFieldEvent {
    field: '$.aheadKeys[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface StateRecordAheadMsFieldEvent {
    field: '$.aheadMs[]'
    index: number
    value: number
  }

  export function encode (obj: Partial<StateRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, StateRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StateRecord>): StateRecord {
    return decodeMessage(buf, StateRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StateRecord>): Generator<StateRecordVersionFieldEvent | StateRecordIsCleanFieldEvent | StateRecordLeaseMsFieldEvent | StateRecordFloorMsFieldEvent | StateRecordSequenceMarkFieldEvent | StateRecordSenderKeysFieldEvent | StateRecordLanesFieldEvent | StateRecordTopsFieldEvent | StateRecordNewestMsFieldEvent | StateRecordAheadKeysFieldEvent | StateRecordAheadMsFieldEvent> {
    return streamMessage(buf, StateRecord.codec(), opts)
  }
}
