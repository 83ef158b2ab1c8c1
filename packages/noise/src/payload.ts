import { reader, writer, type Reader } from 'protons-runtime'
import { NoiseHandshakeError } from './errors.ts'

// Written by hand on protons' reader and writer: what protons generates from pb/payload.proto is namespaces, which plain
// type stripping cannot erase.

/** What a peer says of itself during the handshake. */
export interface NoiseExtensions {
  /** Hashes of the certificates it uses for WebTransport, as multihashes. */
  webtransportCerthashes: Uint8Array[]
  /** Protocols of its stream muxers, the preferred first. */
  streamMuxers: string[]
}

/** What messages 2 and 3 carry. A field that was left out is empty. */
export interface HandshakePayload {
  identityKey: Uint8Array
  identitySignature: Uint8Array
  extensions: NoiseExtensions | undefined
}

/** Field numbers and wire types: all fields are length-delimited. */
const PAYLOAD = { identityKey: 10, identitySignature: 18, extensions: 34 }
const EXTENSIONS = { webtransportCerthashes: 10, streamMuxers: 18 }

export function encodePayload({ identityKey, identitySignature, extensions }: HandshakePayload): Uint8Array {
  const w = writer()
  w.uint32(PAYLOAD.identityKey).bytes(identityKey)
  w.uint32(PAYLOAD.identitySignature).bytes(identitySignature)
  if (extensions !== undefined) {
    w.uint32(PAYLOAD.extensions).fork()
    for (const hash of extensions.webtransportCerthashes) w.uint32(EXTENSIONS.webtransportCerthashes).bytes(hash)
    for (const muxer of extensions.streamMuxers) w.uint32(EXTENSIONS.streamMuxers).string(muxer)
    w.ldelim()
  }
  return w.finish()
}

/** @throws {NoiseHandshakeError} `malformed-payload` for every sequence of bytes that is no such message */
export function decodePayload(bytes: Uint8Array): HandshakePayload {
  try {
    return readPayload(reader(bytes))
  } catch (cause) {
    if (cause instanceof NoiseHandshakeError) throw cause
    throw new NoiseHandshakeError('malformed-payload', `${bytes.length} bytes that are no protobuf message`, { cause })
  }
}

function readPayload(r: Reader): HandshakePayload {
  const payload: HandshakePayload = {
    identityKey: new Uint8Array(0),
    identitySignature: new Uint8Array(0),
    extensions: undefined,
  }
  readFields(r, r.len, {
    [PAYLOAD.identityKey]: () => (payload.identityKey = r.bytes()),
    [PAYLOAD.identitySignature]: () => (payload.identitySignature = r.bytes()),
    [PAYLOAD.extensions]: () => readExtensions(r, (payload.extensions ??= emptyExtensions())),
  })
  return payload
}

function emptyExtensions(): NoiseExtensions {
  return { webtransportCerthashes: [], streamMuxers: [] }
}

function readExtensions(r: Reader, into: NoiseExtensions): void {
  const length = r.uint32()
  readFields(r, r.pos + length, {
    [EXTENSIONS.webtransportCerthashes]: () => into.webtransportCerthashes.push(r.bytes()),
    [EXTENSIONS.streamMuxers]: () => into.streamMuxers.push(r.string()),
  })
}

/** Reads fields up to `end`. A tag without a reader is skipped, as protobuf asks of an older version. */
function readFields(r: Reader, end: number, fields: Record<number, () => void>): void {
  while (r.pos < end) {
    const tag = r.uint32()
    const read = fields[tag]
    if (read === undefined) r.skipType(tag & 7)
    else read()
  }
  if (r.pos !== end) throw new NoiseHandshakeError('malformed-payload', 'a field is longer than its message')
}
