/** More claims at once than may be. Nothing of the call was taken; it may be made again when others are done. */
export class TooManyClaimsError extends Error {
  override readonly name = 'TooManyClaimsError'
  readonly code = 'too-many-claims'
  readonly limit: 'maxClaims' | 'maxBytes'
  readonly value: number

  constructor(limit: 'maxClaims' | 'maxBytes', value: number, wanted: number) {
    super(`${wanted} would be there at once, where ${limit} is ${value}`)
    this.limit = limit
    this.value = value
  }
}

/** The verifier is stopped. */
export class VerifierStoppedError extends Error {
  override readonly name = 'VerifierStoppedError'
  readonly code = 'stopped'

  constructor() {
    super('The verifier is stopped')
  }
}
