import type { MessageStreamEvents, Stream } from '@libp2p/interface'

/** Two ends of a stream, and a way to let time pass until nothing more happens. */
export interface StreamLab {
  readonly a: Stream
  readonly b: Stream
  readonly settle: () => Promise<void>
}

const EVENTS: readonly (keyof MessageStreamEvents)[] = ['drain', 'close', 'remoteCloseWrite', 'end']

/** Something done with a stream, told as what both ends saw of it. */
export interface StreamScript {
  readonly name: string
  run(lab: StreamLab, log: (line: string) => void): Promise<void>
}

function textOf(data: { subarray(): Uint8Array }): string {
  return new TextDecoder().decode(data.subarray())
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Puts what arrives together, since how it is cut is nobody's promise. */
function listen(stream: Stream): { text: string } {
  const heard = { text: '' }
  stream.addEventListener('message', ({ data }) => (heard.text += textOf(data)))
  return heard
}

async function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (err: Error) => err.name,
  )
}

export const STREAM_SCRIPTS: readonly StreamScript[] = [
  {
    name: 'carries data both ways',
    async run({ a, b, settle }, log) {
      const [atA, atB] = [listen(a), listen(b)]
      log(`sent ${a.send(bytes('one'))} ${a.send(bytes('two'))} ${b.send(bytes('three'))}`)
      await settle()
      log(`${atA.text} ${atB.text}`)
    },
  },
  {
    name: 'keeps data for a reader that comes later',
    async run({ a, b, settle }, log) {
      a.send(bytes('early'))
      await settle()
      log(`buffered ${b.readBufferLength}`)
      const heard = listen(b)
      await settle()
      log(heard.text)
    },
  },
  {
    name: 'closes for writing on one side while the other still sends',
    async run({ a, b, settle }, log) {
      const [atA, atB] = [listen(a), listen(b)]
      a.send(bytes('last'))
      log(await outcome(a.close()))
      await settle()
      b.send(bytes('answer'))
      await settle()
      log(`${atA.text} ${atB.text}`)
    },
  },
  {
    name: 'is closed once both sides have closed for writing',
    async run({ a, b, settle }, log) {
      listen(a)
      listen(b)
      await a.close()
      await settle()
      await b.close()
      await settle()
      log('both closed')
    },
  },
  {
    name: 'refuses to send after close',
    async run({ a, settle }, log) {
      await a.close()
      await settle()
      try {
        a.send(bytes('late'))
      } catch (err) {
        log((err as Error).name)
      }
    },
  },
  {
    name: 'resets the other side when aborted, and throws away what nobody has read',
    async run({ a, b, settle }, log) {
      listen(a)
      listen(b)
      a.abort(new RangeError('of the test'))
      await settle()
      log('aborted')
    },
  },
  {
    name: 'lets unread data be read after a reset',
    async run({ a, b, settle }, log) {
      a.send(bytes('unread'))
      await settle()
      a.abort(new RangeError('of the test'))
      await settle()
      log(`buffered ${b.readBufferLength}`)
    },
  },
  {
    name: 'holds data back while paused and gives it on resume',
    async run({ a, b, settle }, log) {
      const heard = listen(b)
      b.pause()
      a.send(bytes('paused'))
      await settle()
      log(`before resume: ${heard.text}`)
      b.resume()
      await settle()
      log(`after resume: ${heard.text}`)
    },
  },
  {
    name: 'aborts when an unread buffer grows beyond maxReadBufferLength',
    async run({ a, b, settle }, log) {
      b.maxReadBufferLength = 10
      a.send(new Uint8Array(10))
      await settle()
      log(`at the limit: ${b.status}`)
      a.send(new Uint8Array(1))
      await settle()
      log(`beyond it: ${b.status}`)
    },
  },
  {
    name: 'is read by for await until the other side has closed for writing',
    async run({ a, b, settle }, log) {
      const read = (async () => {
        let text = ''
        for await (const data of b) text += textOf(data)
        return text
      })()
      a.send(bytes('to be '))
      a.send(bytes('continued'))
      await settle()
      await a.close()
      await settle()
      log(await read)
    },
  },
  {
    name: 'throws from for await when the other side aborts',
    async run({ a, b, settle }, log) {
      const read = (async () => {
        for await (const _ of b) log('data')
      })()
      const ended = outcome(read)
      a.send(bytes('x'))
      await settle()
      a.abort(new RangeError('of the test'))
      await settle()
      log(await ended)
    },
  },
  {
    name: 'gives data that is pushed back before what follows',
    async run({ a, b, settle }, log) {
      a.send(bytes('second'))
      await settle()
      b.unshift(bytes('first '))
      const heard = listen(b)
      await settle()
      log(heard.text)
    },
  },
  {
    name: 'says false where there is no room, keeps the rest, and drains once it is read',
    async run({ a, b, settle }, log) {
      b.pause()
      const heard = { bytes: 0 }
      b.addEventListener('message', ({ data }) => (heard.bytes += data.byteLength))
      b.maxReadBufferLength = Number.POSITIVE_INFINITY
      let sends = 0
      while (a.send(new Uint8Array(65_536)) && sends < 1_000) sends++
      log(`full ${sends < 1_000} needs drain ${a.writableNeedsDrain}`)
      const drained = outcome(a.onDrain())
      b.resume()
      await settle()
      log(`${await drained} all there ${heard.bytes === (sends + 1) * 65_536} buffered ${a.writeBufferLength}`)
    },
  },
  {
    name: 'ends a wait for room with an error when the stream is aborted',
    async run({ a, b, settle }, log) {
      b.pause()
      while (a.send(new Uint8Array(65_536)));
      const waiting = outcome(a.onDrain())
      a.abort(new RangeError('of the test'))
      await settle()
      log(await waiting)
    },
  },
  {
    name: 'sends what was written before close, and closes after it',
    async run({ a, b, settle }, log) {
      let heard = 0
      b.addEventListener('message', ({ data }) => (heard += data.byteLength))
      a.send(new Uint8Array(1_000_000))
      const closing = outcome(a.close())
      await settle()
      log(`${await closing} heard ${heard}`)
    },
  },
  {
    name: 'reads nothing more after closeRead, and still sends',
    async run({ a, b, settle }, log) {
      const atA = listen(a)
      const atB = listen(b)
      await b.closeRead()
      a.send(bytes('unheard'))
      b.send(bytes('heard'))
      await settle()
      log(`${atA.text}|${atB.text}`)
    },
  },
]

/** Runs a script and tells everything that could be seen of it. */
export async function observe(script: StreamScript, lab: StreamLab): Promise<string[]> {
  const lines: string[] = []
  const events = { a: [] as string[], b: [] as string[] }
  for (const side of ['a', 'b'] as const) {
    for (const event of EVENTS) {
      lab[side].addEventListener(event, (evt: Event & { error?: Error; local?: boolean }) => {
        // How often there is room again depends on how the way is cut into windows.
        if (event === 'drain' && events[side].at(-1) === 'drain') return
        events[side].push(event === 'close' ? `close ${evt.error?.name ?? 'clean'}` : event)
      })
    }
  }
  await script.run(lab, (line) => lines.push(line))
  await lab.settle()
  for (const side of ['a', 'b'] as const) {
    const { status, readStatus, writeStatus, remoteWriteStatus, readBufferLength, readableEnded } = lab[side]
    lines.push(`${side}: ${events[side].join(', ')}`)
    // How much of what was sent is buffered depends on the size of windows, which is nobody's promise.
    const state = [status, readStatus, writeStatus, remoteWriteStatus, readBufferLength > 0, readableEnded]
    lines.push(`${side}: ${state.join(' ')}`)
  }
  return lines
}
