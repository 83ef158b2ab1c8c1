import { LANES, type MaybePromise, type Signer, type Unsealed } from '@gridmesh/interfaces'
import { canonicalBytes } from './canonical.ts'
import { compress } from './compression.ts'
import { type EnvelopeCodec, isName } from './fields.ts'
import { chain } from './maybe-promise.ts'
import type { OwnSequence } from './own-sequence.ts'

/** What a `Sealer` works with. */
export interface SealerInit {
  codec: EnvelopeCodec
  chainId: string
  maxBytes: number
  maxRatio: number
  compressAboveBytes: number
  sequence: OwnSequence
}

/** Seals messages: compresses, numbers, dates, signs, encodes. */
export class Sealer {
  readonly #init: SealerInit

  constructor(init: SealerInit) {
    this.#init = init
  }

  seal({ kind, lane, payload }: Unsealed, signer: Signer): MaybePromise<Uint8Array> {
    this.#check({ kind, lane, payload })
    const fields = {
      chainId: this.#init.chainId,
      kind,
      lane,
      senderKey: signer.publicKey,
      sequence: this.#init.sequence.take(lane),
      timeMs: Date.now(),
      ...compress(payload, this.#init),
    }
    return chain(signer.sign(canonicalBytes(fields)), (signature) => this.#init.codec.encode({ ...fields, signature }))
  }

  #check({ kind, lane, payload }: Unsealed): void {
    const { maxBytes } = this.#init
    if (!isName(kind)) throw new RangeError(`kind ${JSON.stringify(kind)} must be 1 to 128 visible ASCII characters`)
    if (!LANES.includes(lane)) throw new RangeError(`lane ${JSON.stringify(lane)} must be one of ${LANES.join(', ')}`)
    if (payload.byteLength > maxBytes) {
      throw new RangeError(`payload has ${payload.byteLength} bytes, maxBytes is ${maxBytes}`)
    }
  }
}
