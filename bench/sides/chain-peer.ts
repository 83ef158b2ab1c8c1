// A node of its own that gives its chain to another one: what it holds and does is to be in nobody else's process.
import { createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import {
  blocksCodec,
  BlockServer,
  getBlocksCodec,
  getHeadersCodec,
  getStatePieceCodec,
  headersCodec,
  statePieceCodec,
  statusCodec,
} from '@gridmesh/block-sync'
import { ledgerReader } from '@gridmesh/node'
import { readBlocks } from '../chain/block-file.ts'
import { ChainAt } from '../chain/chain-at.ts'
import { type Frame, type FrameKind, readFrames, writeFrame } from '../chain/frames.ts'
import { serve } from './serve.ts'

const [, , directory = '', socketPath = '', every = '0'] = process.argv
const at = await ChainAt.open({ directory, threads: 1, every: Number(every) })
const { backend, stateReader, registry } = at.chain
const reader = ledgerReader(async (claims, options) => at.verifier.verify(claims, options), registry)
const server = new BlockServer({ chain: backend, reader, state: stateReader })
const open = new Set<Socket>()

/** Answers that are ready, by their questions: as of a peer whose processor is not this machine's. */
const ready = new Map<string, Uint8Array>()

async function answer({ kind, bytes }: Frame): Promise<Uint8Array> {
  const options = { signal: AbortSignal.timeout(60_000) }
  const known = kind === 'piece' ? ready.get(Buffer.from(bytes).toString('hex')) : undefined
  if (known !== undefined) return known
  if (kind === 'headers') return headersCodec.encode(await server.headers(getHeadersCodec.decode(bytes), options))
  if (kind === 'blocks') return blocksCodec.encode(await server.blocks(getBlocksCodec.decode(bytes), options))
  return statePieceCodec.encode(await server.statePiece(getStatePieceCodec.decode(bytes), options))
}

async function reply(socket: Socket, frame: Frame): Promise<void> {
  const { id } = frame
  const tell = (kind: FrameKind, bytes: Uint8Array): void => writeFrame(socket, { id, kind, bytes })
  try {
    tell(frame.kind, await answer(frame))
  } catch (err) {
    tell('error', Buffer.from(String(err)))
  }
}

function tellStatus(socket: Socket): void {
  writeFrame(socket, { id: 0, kind: 'status', bytes: statusCodec.encode(server.status()) })
}

async function listen(socket: Socket): Promise<void> {
  open.add(socket)
  tellStatus(socket)
  try {
    for await (const frame of readFrames(socket)) void reply(socket, frame)
  } catch {
    // Whoever asked is gone.
  } finally {
    open.delete(socket)
  }
}

const listener = createServer((socket) => void listen(socket))
await new Promise<void>((resolve) => {
  listener.listen(socketPath, resolve)
})
at.chain.addEventListener('chain:head', () => {
  for (const socket of open) tellStatus(socket)
})
let growing = Promise.resolve()

serve({
  /** Imports the blocks of a file; the time it took, in ms. */
  async import(path: string, ahead: number): Promise<number> {
    return at.importFile(path, ahead)
  },
  /** Imports one block of a file each so many ms, and answers at once. */
  async grow(path: string, everyMs: number): Promise<void> {
    const blocks = await readBlocks(path)
    growing = (async () => {
      for (const block of blocks) {
        await at.import([block], 0)
        await delay(everyMs)
      }
    })()
  },
  /** Makes all pieces of the state ready; bytes of them. */
  async prepare(pieces: number): Promise<number> {
    const block = stateReader.checkpoint()
    if (block === undefined) throw new RangeError('there is no checkpoint')
    let sum = 0
    for (let piece = 0; piece < pieces; piece++) {
      const bytes = getStatePieceCodec.encode({ block, piece, pieces })
      const made = await answer({ id: 0, kind: 'piece', bytes })
      ready.set(Buffer.from(bytes).toString('hex'), made)
      sum += made.byteLength
    }
    return sum
  },
  head: () => at.chain.head,
  async stop() {
    await growing
    for (const socket of open) socket.destroy()
    listener.close()
    await at.close()
  },
})
