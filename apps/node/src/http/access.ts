import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../config/loopback.ts'
import type { NodeConfig } from '../config/schema.ts'
import { shown } from '../faults.ts'
import { HttpRefusalError } from './answers.ts'

/**
 * Refuses a request without the Host header, and a name in it that is not ours while bound to loopback: a web page whose name was made to
 * resolve to this machine (DNS rebinding) could otherwise read and write through its visitor's browser.
 * @throws {HttpRefusalError}
 */
export function checkHost(request: FastifyRequest, { host }: NodeConfig['http']): void {
  if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
    throw new HttpRefusalError(400, 'invalid-input', 'host: expected the header Host, got nothing')
  }
  if (!isLoopback(host)) return
  const name = request.hostname.replace(/^\[|\]$/g, '')
  if (!isLoopback(name)) {
    throw new HttpRefusalError(403, 'wrong-host', `This API answers on loopback only, not as "${name}"`)
  }
}

/** Refuses an expectation that the API does not meet. @throws {HttpRefusalError} */
export function checkExpectation({ headers: { expect } }: FastifyRequest): void {
  if (expect === undefined || expect.toLowerCase() === '100-continue') return
  throw new HttpRefusalError(417, 'unmet-expectation', `expect: expected 100-continue, got ${shown(expect)}`)
}

/** Asks for the bearer token where one is set. @throws {HttpRefusalError} */
export function checkToken(request: FastifyRequest, { token }: NodeConfig['http']): void {
  if (token === undefined) return
  const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (given === undefined || !sameText(given, token)) {
    throw new HttpRefusalError(401, 'unauthorised', 'Expected the header "Authorization: Bearer <http.token>"')
  }
}

/** Compares hashes, so that neither content nor length shows in the time it takes. */
function sameText(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => createHash('sha256').update(text).digest())
  return one !== undefined && other !== undefined && timingSafeEqual(one, other)
}
