import { decodeFrame, type Frame, type FrameFault, type FrameLimits } from './frame.ts'

/** Reads frames, each once for as long as its bytes are kept: gossipsub hands the same bytes over several times. */
export class FrameReader {
  readonly #limits: FrameLimits
  readonly #frames = new WeakMap<Uint8Array, Frame | FrameFault>()

  constructor(limits: FrameLimits) {
    this.#limits = limits
  }

  /** Never throws. The bytes must not change. */
  read(bytes: Uint8Array): Frame | FrameFault {
    const frame = this.#frames.get(bytes) ?? decodeFrame(bytes, this.#limits)
    this.#frames.set(bytes, frame)
    return frame
  }
}
