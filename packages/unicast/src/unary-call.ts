import { MalformedMessageError } from './errors.ts'
import { own } from './core.ts'
import { OutboundCall, type Question } from './outbound-call.ts'
import type { OutboundSession } from './outbound-session.ts'
import { fromWireError } from './remote-errors.ts'
import { TYPE, type WireMessage } from './wire.ts'

/** A call that is answered once. */
export class UnaryCall extends OutboundCall {
  readonly isSingle = true
  readonly #resolve: (payload: Uint8Array) => void
  readonly #reject: (error: Error, call: UnaryCall) => void

  constructor(
    session: OutboundSession,
    question: Question,
    resolve: (payload: Uint8Array) => void,
    reject: (error: Error, call: UnaryCall) => void,
  ) {
    super(session, question)
    this.#resolve = resolve
    this.#reject = reject
  }

  receive(message: WireMessage): void {
    if (message.type === TYPE.response) {
      this.end()
      this.#resolve(own(message.payload))
    } else if (message.type === TYPE.error) {
      this.fail(fromWireError(message, this.question.name))
    } else {
      throw new MalformedMessageError('An item in answer to a call that is not streamed')
    }
  }

  protected onFailed(error: Error): void {
    this.#reject(error, this)
  }
}
