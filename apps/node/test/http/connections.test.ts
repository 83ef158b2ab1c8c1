import { once } from 'node:events'
import { expect, it, vi } from 'vitest'
import { type Answer, startedApi } from './chain-api.ts'
import { client } from './client.ts'

const HOST = 'Host: 127.0.0.1\r\n'
const JSON_BODY = 'Content-Type: application/json\r\n'
const HALF_BODY = `${HOST}${JSON_BODY}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`
const TOKEN = '0123456789abcdef'

/** What a node says to bytes after which it closes the connection, and its body. */
async function said(bytes: string, flags: Record<string, unknown> = {}): Promise<Partial<Answer> & { status: number }> {
  const { api } = await startedApi({}, flags)
  const { socket, closed } = client(await api.listen())
  socket.write(bytes)
  const answer = await closed
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), ...(JSON.parse(body) as Partial<Answer>) }
}

it.each([
  ['is refused for want of the token', 'POST /api/v1/transaction', 401, { 'http.token': TOKEN }],
  ['is answered without its body', 'GET /api/v1/chain/info', 200, {}],
])('ends a connection whose request %s before it has come to its end', async (_, line, status, flags) => {
  expect(await said(`${line} HTTP/1.1\r\n${HALF_BODY}`, flags)).toMatchObject({ status })
})

it('reads on where a client still sends that has its answer, so that no reset takes the answer away', async () => {
  const { api } = await startedApi()
  const answered = Promise.withResolvers<void>()
  api.app.addHook('onResponse', async () => answered.resolve())
  const { socket, closed } = client(await api.listen())
  const onError = vi.fn<(err: Error) => void>()
  socket.on('error', onError).pause()
  socket.write(`POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: 9000000\r\n\r\n`)
  await answered.promise
  for (let i = 0; i < 8; i++) {
    const sent = Promise.withResolvers<unknown>()
    socket.write('x'.repeat(1_000_000), (err) => sent.resolve(err))
    await sent.promise
  }
  socket.end().resume()
  expect(await closed).toMatch(/^HTTP\/1.1 413 [^]*body-too-large/)
  expect(onError).not.toHaveBeenCalled()
})

it('takes no further request from a client that has its answer early, and closes though it never ends', async () => {
  const { api } = await startedApi()
  const onRequest = vi.fn<() => void>()
  api.app.server.on('request', onRequest)
  const { socket, closed } = client(await api.listen(), true)
  socket.write(`GET /api/v1/chain/info HTTP/1.1\r\n${HALF_BODY}`)
  await once(socket, 'data')
  const sending = setInterval(() => {
    socket.write(`0\r\n\r\nGET /api/v1/chain/info HTTP/1.1\r\n${HOST}\r\n`)
  }, 1)
  await closed.finally(() => clearInterval(sending))
  expect(onRequest).toHaveBeenCalledTimes(1)
})

it('keeps a connection whose request has come to its end', async () => {
  const { api } = await startedApi()
  const { socket } = client(await api.listen())
  for (let i = 0; i < 2; i++) {
    socket.write(`POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: 2\r\n\r\n{}`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(String(answer)).toMatch(/^HTTP\/1.1 400 [^]*connection: keep-alive/i)
  }
})

it('takes http.maxConnections at once, and the next when one has gone', async () => {
  const { api } = await startedApi({}, { 'http.maxConnections': 2, 'http.maxEventStreams': 2 })
  const url = await api.listen()
  const held = [client(url), client(url)]
  for (const { socket } of held) {
    socket.write(`GET /api/v1/events HTTP/1.1\r\n${HOST}\r\n`)
    await once(socket, 'data')
  }
  expect(await client(url).closed).toBe('')
  held[0]?.socket.destroy()
  await vi.waitFor(async () => expect((await fetch(`${url}/api/v1/chain/info`)).status).toBe(200))
})

it('gives a request 30 s to come in, and the answer to it any time', async () => {
  const { api } = await startedApi()
  await api.listen()
  expect(api.app.server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 30_000, timeout: 0 })
})

it.each([
  ['garbage', 'blah blah\r\n\r\n', 400, 'invalid-input', /^request: expected HTTP/],
  ['an unknown method', `FOO /api/v1/chain/info HTTP/1.1\r\n${HOST}\r\n`, 400, 'invalid-input', /method/],
  [
    'headers of 20 kB',
    `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    'headers-too-large',
    /16384 bytes/,
  ],
  ['no Host', 'GET /api/v1/chain/info HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'invalid-input', /^host: expected/],
  [
    'an expectation that is not met',
    `GET /api/v1/chain/info HTTP/1.1\r\n${HOST}Connection: close\r\nExpect: 200-maybe\r\n\r\n`,
    417,
    'unmet-expectation',
    /^expect: expected 100-continue, got "200-maybe"$/,
  ],
  [
    'a body that is too large',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: 999999\r\n\r\n`,
    413,
    'body-too-large',
    /^body: expected at most \d{6} bytes, got 999999$/,
  ],
  [
    'a body that proves to be too large',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Transfer-Encoding: chunked\r\n\r\n40000\r\n${'x'.repeat(0x40000)}\r\n`,
    413,
    'body-too-large',
    /^body: expected at most \d{6} bytes, got more$/,
  ],
  [
    'a body of another type',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}Content-Type: text/plain\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    415,
    'wrong-content-type',
    /^content-type: expected application\/json, got "text\/plain"$/,
  ],
  [
    'a body of no type',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 2\r\n\r\n{}`,
    415,
    'wrong-content-type',
    /^content-type: expected application\/json, got nothing$/,
  ],
  [
    'a body that is compressed',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    415,
    'wrong-content-encoding',
    /^content-encoding: expected none, or identity, got "gzip"$/,
  ],
  [
    'a body that is encoded as itself, by what it says',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Encoding: Identity\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    400,
    'invalid-input',
    /^bytes: expected/,
  ],
  [
    'a body that is not JSON',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Connection: close\r\nContent-Length: 4\r\n\r\n{bad`,
    400,
    'invalid-input',
    /^body: expected JSON, got "\{bad": Expected property name/,
  ],
  [
    'a body that nests 30,000 deep',
    `POST /api/v1/transaction HTTP/1.1\r\n${HOST}${JSON_BODY}Connection: close\r\nContent-Length: 60000\r\n\r\n${'['.repeat(30_000)}${']'.repeat(30_000)}`,
    400,
    'invalid-input',
    // Node.js 26 can show it.
    /^body: expected an object, got (what nests too deep to be shown|\[{64,}…)$/,
  ],
])('answers %s as all else that it refuses', async (_, bytes, status, code, error) => {
  expect(await said(bytes)).toEqual({ status, success: false, code, error: expect.stringMatching(error) })
})
