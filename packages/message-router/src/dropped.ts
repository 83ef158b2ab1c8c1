/** Carries an error out of a message that was dropped, and is not to be counted as refused as well. */
export class Dropped extends Error {
  static override readonly name = 'Dropped'
  override readonly name = 'Dropped'
  override readonly cause: Error

  constructor(cause: Error) {
    super(cause.message)
    this.cause = cause
  }
}
