import { varintLength, writeVarint } from '@gridmesh/chunking'
import { FLAG_REFUSE, writeHeader } from '../../../../packages/chunking/src/frame.ts'
import { FrameDecoder } from '../../../../packages/chunking/src/frame-decoder.ts'
import { FRAMES } from '../../../../packages/chunking/test/fixtures/frames.ts'
import { fromHex } from '../golden.ts'
import { Finding, readOrRefuse, type Target } from '../target.ts'

const refusals = ['FramingError']
/** The longest header there is, with room to spare. */
const HEADER_BYTES = 40

/** What a decoder found, written as the frames it must have been; and how far it came. */
interface Found {
  frames: Uint8Array
  isRefused: boolean
  isInFrame: boolean
}

/** Reads an input as pieces of so many bytes. Frames in pieces are told of in pieces, so they are put together. */
function read(bytes: Uint8Array, pieceBytes: number): Found {
  const frames: Uint8Array[] = []
  const decoder = new FrameDecoder({
    onData: (flags, id, total, payload) => {
      const header = new Uint8Array(HEADER_BYTES)
      const length = writeHeader(header, 0, flags, id, total, payload.byteLength)
      frames.push(header.slice(0, length), payload.slice())
      return true
    },
    onControl: (flags, id, value, code) => {
      frames.push(controlFrame(flags, id, value, code))
      return true
    },
  })
  const isRead = readOrRefuse(() => {
    for (let at = 0; at < bytes.byteLength; at += pieceBytes) decoder.decode(bytes.subarray(at, at + pieceBytes))
    return true
  }, refusals)
  return { frames: Buffer.concat(frames), isRefused: isRead === undefined, isInFrame: decoder.isInFrame }
}

function controlFrame(flags: number, id: number, value: number, code: number): Uint8Array {
  const numbers = flags === FLAG_REFUSE ? [id, value, code] : [id, code]
  const frame = new Uint8Array(1 + numbers.reduce((sum, number) => sum + varintLength(number), 0))
  frame[0] = flags
  let at = 1
  for (const number of numbers) at = writeVarint(frame, at, number)
  return frame
}

/** Frames are read at once or byte by byte with the same end, and those that are whole are what the input was. */
const frames: Target = {
  name: 'chunking-frames',
  seeds: Object.values(FRAMES).map((frame) => fromHex(typeof frame === 'string' ? frame : frame.join(' '))),
  check(bytes) {
    const [whole, single] = [read(bytes, Math.max(1, bytes.byteLength)), read(bytes, 1)]
    // After a refusal a decoder is of no more use, and what it says of itself means nothing.
    const isSameEnd = whole.isRefused || whole.isInFrame === single.isInFrame
    if (whole.isRefused !== single.isRefused || !isSameEnd) {
      throw new Finding(`${Buffer.from(bytes).toString('hex')} is read in another way byte by byte`)
    }
    if (whole.isRefused || whole.isInFrame) return 'refused'
    if (Buffer.compare(whole.frames, bytes) === 0) return 'read'
    throw new Finding(`${Buffer.from(bytes).toString('hex')} was read as ${Buffer.from(whole.frames).toString('hex')}`)
  },
}

export const CHUNKING: readonly Target[] = [frames]
