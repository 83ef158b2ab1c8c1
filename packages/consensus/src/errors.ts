/** What the signing record gave back is not what was saved there. Nothing is signed until somebody has looked. */
export class CorruptRecordError extends Error {
  static override readonly name = 'CorruptRecordError'
  override readonly name = 'CorruptRecordError'
  readonly code = 'corrupt-record'

  constructor(detail: string, options?: ErrorOptions) {
    super(`The signing record is corrupt: ${detail}`, options)
  }
}

/** Why a built block was not proposed. */
export type ProposalCode =
  | 'wrong-build'
  | 'refused-by-own-chain'
  | 'parent-lost'
  | 'build-timeout'
  | 'cancelled'
  | 'signed-already'

/** A proposal came to nothing. Told by `consensus:fault`; the next in order steps in meanwhile. */
export class ProposalError extends Error {
  static override readonly name = 'ProposalError'
  override readonly name = 'ProposalError'
  readonly code: ProposalCode

  constructor(code: ProposalCode, detail: string) {
    super(`No block was proposed: ${code}: ${detail}`)
    this.code = code
  }
}
