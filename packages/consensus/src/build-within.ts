import { ProposalError } from './errors.ts'
import type { Signer } from './ports.ts'

/**
 * Runs `build` until it is done, `signal` aborts, or `deadlineMs` have passed. A build that goes on after that can no
 * longer sign, and none can sign twice.
 */
export async function buildWithin<T>(
  signer: Signer,
  deadlineMs: number,
  signal: AbortSignal,
  build: (signer: Signer, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw cancelled()
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const giveUp = (error: ProposalError): void => {
    controller.abort(error)
    reject(error)
  }
  const cancel = (): void => giveUp(cancelled())
  const timer = setTimeout(
    () => giveUp(new ProposalError('build-timeout', `not built within ${deadlineMs} ms`)),
    deadlineMs,
  )
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await Promise.race([promise, build(signOnce(signer, controller.signal), controller.signal)])
  } finally {
    signal.removeEventListener('abort', cancel)
    clearTimeout(timer)
  }
}

function cancelled(): ProposalError {
  return new ProposalError('cancelled', 'there is another head, or the engine stops')
}

function signOnce(signer: Signer, signal: AbortSignal): Signer {
  let isUsed = false
  return {
    address: signer.address,
    publicKey: signer.publicKey,
    sign(message) {
      signal.throwIfAborted()
      if (isUsed) throw new ProposalError('signed-already', 'a build asked for a second signature')
      isUsed = true
      return signer.sign(message)
    },
  }
}
