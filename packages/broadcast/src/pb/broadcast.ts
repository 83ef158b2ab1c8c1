import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface BroadcastFrame {
  version: number
  flags: number
  origin: Uint8Array<ArrayBuffer>
  hops: number
  topic: string
  payload: Uint8Array<ArrayBuffer>
  root: Uint8Array<ArrayBuffer>
  totalBytes: number
  chunkBytes: number
}

export namespace BroadcastFrame {
  let _codec: Codec<BroadcastFrame>

  export const codec = (): Codec<BroadcastFrame> => {
    if (_codec == null) {
      _codec = message<BroadcastFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint32(obj.version)
        }

        if ((obj.flags != null && obj.flags !== 0)) {
          w.uint32(16)
          w.uint32(obj.flags)
        }

        if ((obj.origin != null && obj.origin.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.origin)
        }

        if ((obj.hops != null && obj.hops !== 0)) {
          w.uint32(32)
          w.uint32(obj.hops)
        }

        if ((obj.topic != null && obj.topic !== '')) {
          w.uint32(42)
          w.string(obj.topic)
        }

        if ((obj.payload != null && obj.payload.byteLength > 0)) {
          w.uint32(50)
          w.bytes(obj.payload)
        }

        if ((obj.root != null && obj.root.byteLength > 0)) {
          w.uint32(58)
          w.bytes(obj.root)
        }

        if ((obj.totalBytes != null && obj.totalBytes !== 0)) {
          w.uint32(64)
          w.uint32(obj.totalBytes)
        }

        if ((obj.chunkBytes != null && obj.chunkBytes !== 0)) {
          w.uint32(72)
          w.uint32(obj.chunkBytes)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          flags: 0,
          origin: uint8ArrayAlloc(0),
          hops: 0,
          topic: '',
          payload: uint8ArrayAlloc(0),
          root: uint8ArrayAlloc(0),
          totalBytes: 0,
          chunkBytes: 0
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
              obj.flags = reader.uint32()
              break
            }
            case 3: {
              obj.origin = reader.bytes()
              break
            }
            case 4: {
              obj.hops = reader.uint32()
              break
            }
            case 5: {
              obj.topic = reader.string()
              break
            }
            case 6: {
              obj.payload = reader.bytes()
              break
            }
            case 7: {
              obj.root = reader.bytes()
              break
            }
            case 8: {
              obj.totalBytes = reader.uint32()
              break
            }
            case 9: {
              obj.chunkBytes = reader.uint32()
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
                field: `${prefix}.flags`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.origin`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.hops`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.topic`,
                value: reader.string()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.payload`,
                value: reader.bytes()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.root`,
                value: reader.bytes()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.totalBytes`,
                value: reader.uint32()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.chunkBytes`,
                value: reader.uint32()
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

  export interface BroadcastFrameVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface BroadcastFrameFlagsFieldEvent {
    field: '$.flags'
    value: number
  }

  export interface BroadcastFrameOriginFieldEvent {
    field: '$.origin'
    value: Uint8Array<ArrayBuffer>
  }

  export interface BroadcastFrameHopsFieldEvent {
    field: '$.hops'
    value: number
  }

  export interface BroadcastFrameTopicFieldEvent {
    field: '$.topic'
    value: string
  }

  export interface BroadcastFramePayloadFieldEvent {
    field: '$.payload'
    value: Uint8Array<ArrayBuffer>
  }

  export interface BroadcastFrameRootFieldEvent {
    field: '$.root'
    value: Uint8Array<ArrayBuffer>
  }

  export interface BroadcastFrameTotalBytesFieldEvent {
    field: '$.totalBytes'
    value: number
  }

  export interface BroadcastFrameChunkBytesFieldEvent {
    field: '$.chunkBytes'
    value: number
  }

  export function encode (obj: Partial<BroadcastFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, BroadcastFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BroadcastFrame>): BroadcastFrame {
    return decodeMessage(buf, BroadcastFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BroadcastFrame>): Generator<BroadcastFrameVersionFieldEvent | BroadcastFrameFlagsFieldEvent | BroadcastFrameOriginFieldEvent | BroadcastFrameHopsFieldEvent | BroadcastFrameTopicFieldEvent | BroadcastFramePayloadFieldEvent | BroadcastFrameRootFieldEvent | BroadcastFrameTotalBytesFieldEvent | BroadcastFrameChunkBytesFieldEvent> {
    return streamMessage(buf, BroadcastFrame.codec(), opts)
  }
}

export interface ChunkRequest {
  id: Uint8Array<ArrayBuffer>
  indexes: number[]
}

export namespace ChunkRequest {
  let _codec: Codec<ChunkRequest>

  export const codec = (): Codec<ChunkRequest> => {
    if (_codec == null) {
      _codec = message<ChunkRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.id)
        }

        if (obj.indexes != null && obj.indexes.length > 0) {
          for (const value of obj.indexes) {
            w.uint32(16)
            w.uint32(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: uint8ArrayAlloc(0),
          indexes: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.bytes()
              break
            }
            case 2: {
              if (opts.limits?.indexes != null && obj.indexes.length === opts.limits.indexes) {
                throw new MaxLengthError('Decode error - repeated field "indexes" had too many elements')
              }

              obj.indexes.push(reader.uint32())
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
          indexes: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              if (opts.limits?.indexes != null && obj.indexes === opts.limits.indexes) {
                throw new MaxLengthError('Streaming decode error - repeated field "indexes" had too many elements')
              }

              yield {
                field: `${prefix}.indexes[]`,
                index: obj.indexes,
                value: reader.uint32()
              }

              obj.indexes++

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

  export interface ChunkRequestIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ChunkRequestIndexesFieldEvent {
    field: '$.indexes[]'
    index: number
    value: number
  }

  export function encode (obj: Partial<ChunkRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ChunkRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChunkRequest>): ChunkRequest {
    return decodeMessage(buf, ChunkRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChunkRequest>): Generator<ChunkRequestIdFieldEvent | ChunkRequestIndexesFieldEvent> {
    return streamMessage(buf, ChunkRequest.codec(), opts)
  }
}

export interface ChunkReply {
  indexes: number[]
  chunks: Uint8Array<ArrayBuffer>[]
  proofs: Uint8Array<ArrayBuffer>[]
}

export namespace ChunkReply {
  let _codec: Codec<ChunkReply>

  export const codec = (): Codec<ChunkReply> => {
    if (_codec == null) {
      _codec = message<ChunkReply>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.indexes != null && obj.indexes.length > 0) {
          for (const value of obj.indexes) {
            w.uint32(8)
            w.uint32(value)
          }
        }

        if (obj.chunks != null && obj.chunks.length > 0) {
          for (const value of obj.chunks) {
            w.uint32(18)
            w.bytes(value)
          }
        }

        if (obj.proofs != null && obj.proofs.length > 0) {
          for (const value of obj.proofs) {
            w.uint32(26)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          indexes: [],
          chunks: [],
          proofs: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.indexes != null && obj.indexes.length === opts.limits.indexes) {
                throw new MaxLengthError('Decode error - repeated field "indexes" had too many elements')
              }

              obj.indexes.push(reader.uint32())
              break
            }
            case 2: {
              if (opts.limits?.chunks != null && obj.chunks.length === opts.limits.chunks) {
                throw new MaxLengthError('Decode error - repeated field "chunks" had too many elements')
              }

              obj.chunks.push(reader.bytes())
              break
            }
            case 3: {
              if (opts.limits?.proofs != null && obj.proofs.length === opts.limits.proofs) {
                throw new MaxLengthError('Decode error - repeated field "proofs" had too many elements')
              }

              obj.proofs.push(reader.bytes())
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
          indexes: 0,
          chunks: 0,
          proofs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.indexes != null && obj.indexes === opts.limits.indexes) {
                throw new MaxLengthError('Streaming decode error - repeated field "indexes" had too many elements')
              }

              yield {
                field: `${prefix}.indexes[]`,
                index: obj.indexes,
                value: reader.uint32()
              }

              obj.indexes++

              break
            }
            case 2: {
              if (opts.limits?.chunks != null && obj.chunks === opts.limits.chunks) {
                throw new MaxLengthError('Streaming decode error - repeated field "chunks" had too many elements')
              }

              yield {
                field: `${prefix}.chunks[]`,
                index: obj.chunks,
                value: reader.bytes()
              }

              obj.chunks++

              break
            }
            case 3: {
              if (opts.limits?.proofs != null && obj.proofs === opts.limits.proofs) {
                throw new MaxLengthError('Streaming decode error - repeated field "proofs" had too many elements')
              }

              yield {
                field: `${prefix}.proofs[]`,
                index: obj.proofs,
                value: reader.bytes()
              }

              obj.proofs++

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

  export interface ChunkReplyIndexesFieldEvent {
    field: '$.indexes[]'
    index: number
    value: number
  }

  export interface ChunkReplyChunksFieldEvent {
    field: '$.chunks[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface ChunkReplyProofsFieldEvent {
    field: '$.proofs[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<ChunkReply>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ChunkReply.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChunkReply>): ChunkReply {
    return decodeMessage(buf, ChunkReply.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChunkReply>): Generator<ChunkReplyIndexesFieldEvent | ChunkReplyChunksFieldEvent | ChunkReplyProofsFieldEvent> {
    return streamMessage(buf, ChunkReply.codec(), opts)
  }
}

export interface BroadcastAck {
  ids: Uint8Array<ArrayBuffer>[]
}

export namespace BroadcastAck {
  let _codec: Codec<BroadcastAck>

  export const codec = (): Codec<BroadcastAck> => {
    if (_codec == null) {
      _codec = message<BroadcastAck>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.ids != null && obj.ids.length > 0) {
          for (const value of obj.ids) {
            w.uint32(10)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          ids: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.ids != null && obj.ids.length === opts.limits.ids) {
                throw new MaxLengthError('Decode error - repeated field "ids" had too many elements')
              }

              obj.ids.push(reader.bytes())
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
          ids: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.ids != null && obj.ids === opts.limits.ids) {
                throw new MaxLengthError('Streaming decode error - repeated field "ids" had too many elements')
              }

              yield {
                field: `${prefix}.ids[]`,
                index: obj.ids,
                value: reader.bytes()
              }

              obj.ids++

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

  export interface BroadcastAckIdsFieldEvent {
    field: '$.ids[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<BroadcastAck>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, BroadcastAck.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BroadcastAck>): BroadcastAck {
    return decodeMessage(buf, BroadcastAck.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BroadcastAck>): Generator<BroadcastAckIdsFieldEvent> {
    return streamMessage(buf, BroadcastAck.codec(), opts)
  }
}

export interface TreeControl {
  ihave: Uint8Array<ArrayBuffer>[]
  graft: Uint8Array<ArrayBuffer>[]
  prune: Uint8Array<ArrayBuffer>[]
}

export namespace TreeControl {
  let _codec: Codec<TreeControl>

  export const codec = (): Codec<TreeControl> => {
    if (_codec == null) {
      _codec = message<TreeControl>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.ihave != null && obj.ihave.length > 0) {
          for (const value of obj.ihave) {
            w.uint32(10)
            w.bytes(value)
          }
        }

        if (obj.graft != null && obj.graft.length > 0) {
          for (const value of obj.graft) {
            w.uint32(18)
            w.bytes(value)
          }
        }

        if (obj.prune != null && obj.prune.length > 0) {
          for (const value of obj.prune) {
            w.uint32(26)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          ihave: [],
          graft: [],
          prune: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.ihave != null && obj.ihave.length === opts.limits.ihave) {
                throw new MaxLengthError('Decode error - repeated field "ihave" had too many elements')
              }

              obj.ihave.push(reader.bytes())
              break
            }
            case 2: {
              if (opts.limits?.graft != null && obj.graft.length === opts.limits.graft) {
                throw new MaxLengthError('Decode error - repeated field "graft" had too many elements')
              }

              obj.graft.push(reader.bytes())
              break
            }
            case 3: {
              if (opts.limits?.prune != null && obj.prune.length === opts.limits.prune) {
                throw new MaxLengthError('Decode error - repeated field "prune" had too many elements')
              }

              obj.prune.push(reader.bytes())
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
          ihave: 0,
          graft: 0,
          prune: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.ihave != null && obj.ihave === opts.limits.ihave) {
                throw new MaxLengthError('Streaming decode error - repeated field "ihave" had too many elements')
              }

              yield {
                field: `${prefix}.ihave[]`,
                index: obj.ihave,
                value: reader.bytes()
              }

              obj.ihave++

              break
            }
            case 2: {
              if (opts.limits?.graft != null && obj.graft === opts.limits.graft) {
                throw new MaxLengthError('Streaming decode error - repeated field "graft" had too many elements')
              }

              yield {
                field: `${prefix}.graft[]`,
                index: obj.graft,
                value: reader.bytes()
              }

              obj.graft++

              break
            }
            case 3: {
              if (opts.limits?.prune != null && obj.prune === opts.limits.prune) {
                throw new MaxLengthError('Streaming decode error - repeated field "prune" had too many elements')
              }

              yield {
                field: `${prefix}.prune[]`,
                index: obj.prune,
                value: reader.bytes()
              }

              obj.prune++

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

  export interface TreeControlIhaveFieldEvent {
    field: '$.ihave[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface TreeControlGraftFieldEvent {
    field: '$.graft[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface TreeControlPruneFieldEvent {
    field: '$.prune[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<TreeControl>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, TreeControl.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TreeControl>): TreeControl {
    return decodeMessage(buf, TreeControl.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TreeControl>): Generator<TreeControlIhaveFieldEvent | TreeControlGraftFieldEvent | TreeControlPruneFieldEvent> {
    return streamMessage(buf, TreeControl.codec(), opts)
  }
}
