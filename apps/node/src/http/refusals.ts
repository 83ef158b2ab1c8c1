import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { shown } from '../faults.ts'
import { HttpRefusalError } from './answers.ts'
import type { ApiHost } from './server.ts'

/** Longest part of a path that a route takes, in characters: the name of a meter, escaped. */
export const MAX_PARAM_LENGTH = 1_024
/** Time that a request has to come in whole, in ms. */
export const REQUEST_DEADLINE_MS = 30_000

/** Codes for what fastify itself refuses. */
const CODES: Readonly<Record<number, string>> = {
  400: 'invalid-input',
  404: 'not-found',
  408: 'request-timeout',
  413: 'body-too-large',
  414: 'url-too-long',
  415: 'wrong-content-type',
  431: 'headers-too-large',
}

/** Answers what has no route, and what fails, in the shape of the API. */
export function answerErrors(app: FastifyInstance, node: ApiHost): void {
  const log = node.log.forComponent('gridmesh:http')
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ success: false, error: `There is no ${request.method} ${request.url}`, code: 'not-found' }),
  )
  app.setErrorHandler((err: FastifyError, request, reply) => {
    const status = err.statusCode ?? 500
    // A client that is asked for what it can give needs to be told the form.
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    if (err instanceof HttpRefusalError)
      return reply.code(status).send({ success: false, error: err.message, code: err.code })
    if (status >= 500) log.error('%s %s failed: %e', request.method, request.url, err)
    const error = status >= 500 ? 'The node could not answer; its log says why' : inWords(err, request)
    return reply.code(status).send({ success: false, error, code: CODES[status] ?? 'internal-error' })
  })
}

/** Reads a body. @throws {HttpRefusalError} where it is not JSON, or is compressed or encoded in any other way */
export async function readJson({ headers }: FastifyRequest, body: string): Promise<unknown> {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    const error = `content-encoding: expected none, or identity, got ${shown(encoding)}`
    throw new HttpRefusalError(415, 'wrong-content-encoding', error)
  }
  try {
    return JSON.parse(body)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new HttpRefusalError(400, 'invalid-input', `body: expected JSON, got ${shown(body)}: ${why}`)
  }
}

/** Answers what fastify refuses before there is a route: a URL that is none, or a part of it that is too long. */
export function refuseUrl({ statusCode = 400 }: FastifyError, { url }: FastifyRequest, reply: FastifyReply): void {
  const rule =
    statusCode === 414
      ? `a path whose parts have ${MAX_PARAM_LENGTH} characters at most`
      : 'a path whose escapes are UTF-8'
  const error = `url: expected ${rule}, got ${shown(url)}`
  void reply.code(statusCode).send({ success: false, error, code: CODES[statusCode] ?? 'internal-error' })
}

/** Answers what never became a request, and ends its connection. */
export function refuseBytes(err: Error & { code: string; reason?: string }, socket: Socket): void {
  const [status, error] = faultOf(err)
  const body = JSON.stringify({ success: false, error, code: CODES[status] })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroySoon()
}

function faultOf({ code, message, reason = message }: Error & { code: string; reason?: string }): [number, string] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return [408, `request: expected all of it within ${REQUEST_DEADLINE_MS / 1_000} s`]
  }
  if (code === 'HPE_HEADER_OVERFLOW') return [431, `headers: expected at most ${maxHeaderSize} bytes, got more`]
  return [400, `request: expected HTTP/1.1: ${reason}`]
}

/** What fastify refuses of a body, with what came and what was expected. */
function inWords({ statusCode, message }: FastifyError, { headers, routeOptions }: FastifyRequest): string {
  if (statusCode === 413) {
    const length = headers['content-length'] ?? 'more'
    return `body: expected at most ${routeOptions.bodyLimit} bytes, got ${length}`
  }
  if (statusCode === 415) {
    return `content-type: expected application/json, got ${shown(headers['content-type'])}`
  }
  return message
}
