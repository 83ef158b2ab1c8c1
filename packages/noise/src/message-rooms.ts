import { allocUnsafe } from 'uint8arrays/alloc'
import { MAX_FRAME_BYTES } from './constants.ts'

/** Below, memory of its own is cut from a page that is there already. */
const LEAST_BYTES = 4_096
/** Rooms that are kept for the next messages, of all connections together. */
const MAX_IDLE = 8

const idle: Uint8Array[] = []

/** Memory of at least so many bytes for a message that comes in pieces. Nearly all of a large transfer do, and each would take its own. */
export function takeRoom(bytes: number): Uint8Array {
  return bytes < LEAST_BYTES ? allocUnsafe(bytes) : (idle.pop() ?? allocUnsafe(MAX_FRAME_BYTES))
}

/** Gives it back, once nobody reads it any more. What is not given back is collected. */
export function giveRoomBack(room: Uint8Array): void {
  if (room.byteLength === MAX_FRAME_BYTES && idle.length < MAX_IDLE) idle.push(room)
}
