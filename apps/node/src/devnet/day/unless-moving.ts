import { NodeRefusedError } from '../../cli/errors.ts'

/** An answer of a node; `undefined` where it cannot say it now, since its chain changes its branch. */
export async function unlessMoving<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (err) {
    if (err instanceof NodeRefusedError && err.status === 503) return undefined
    throw err
  }
}
