import { writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createSocket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { gridmesh } from './gridmesh.ts'
import { someDirectory } from './network-files.ts'

/** A server that is no node, and its URL. */
async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return listening(server)
}

async function listening(server: ReturnType<typeof createSocket>): Promise<string> {
  const ready = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', ready.resolve)
  await ready.promise
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a command that gets no answer', () => {
  it('asks whether the node runs where the connection is refused', async () => {
    const server = createSocket()
    const url = await listening(server)
    server.close()
    expect(await gridmesh('status', '--url', url)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('is it running?'),
    })
  })

  it.each([6000, 10_080])('says of port %i that nothing is asked there', async (port) => {
    const { code, stderr } = await gridmesh('status', '--url', `http://127.0.0.1:${port}`)
    expect(code).toBe(5)
    expect(stderr).toContain(`port ${port} is kept for another protocol, where no HTTP client asks; set http.port`)
    expect(stderr).not.toContain('is it running')
  })

  it('says that the time is over', async () => {
    const timeout = vi
      .spyOn(AbortSignal, 'timeout')
      .mockReturnValue(AbortSignal.abort(new DOMException('', 'TimeoutError')))
    onTestFinished(() => timeout.mockRestore())
    const url = await serving(() => {})
    expect(await gridmesh('status', '--url', url)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`No node answers at ${url}: not within 10 s`),
    })
  })

  it('says what else it is, such as a server of another protocol, or a host that there is not', async () => {
    const server = createSocket((socket) => socket.end('SSH-2.0-x\r\n'))
    onTestFinished(() => void server.close())
    const url = await listening(server)
    const { code, stderr } = await gridmesh('status', '--url', url)
    expect(code).toBe(5)
    expect(stderr).toMatch(new RegExp(`No node answers at ${url}: .*HTTP`))
    const none = await gridmesh('status', '--url', 'http://none.invalid')
    expect(none.stderr).toMatch(/No node answers at http:\/\/none\.invalid: .*none\.invalid/)
  })
})

it('shows an answer that is none of a node', async () => {
  const url = await serving((_, response) => void response.writeHead(200).end('<!doctype html>\n<title>Router</title>'))
  expect(await gridmesh('status', '--url', url)).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(/\(200 strange-answer\): expected JSON, got "<!doctype html>/),
  })
})

it('refuses a URL with a name and a password, which would not be sent', async () => {
  const { code, stderr } = await gridmesh('status', '--url', 'http://me:secret@127.0.0.1:8545')
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--token-file') })
  expect(stderr).not.toContain('secret')
})

it.each([
  ['of two lines', 'first-token-12345\nsecond-token-1234\n'],
  ['with typographic quotes', '“0123456789abcdef”'],
  ['that is empty', '\n'],
])('refuses a token file %s, before anything is sent', async (_, text) => {
  const file = join(await someDirectory(), 'token')
  await writeFile(file, text)
  expect(await gridmesh('status', '--token-file', file)).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/token file .*token: expected one line of printable ASCII characters/),
  })
})
