/** The soak could not go on: a node ended or did not answer, or the network did not come to rest. */
export class SoakError extends Error {
  static override readonly name = 'SoakError'
  override readonly name = 'SoakError'
  readonly code = 'soak-failed'
}
