/** A block whose body is not the one that its header names. */
export class WrongBodyError extends Error {
  static override readonly name = 'WrongBodyError'
  override readonly name = 'WrongBodyError'
  readonly code = 'wrong-tx-root'

  constructor(received: string, expected: string) {
    super(`The header states the root ${received}, and that of the body is ${expected}`)
  }
}
