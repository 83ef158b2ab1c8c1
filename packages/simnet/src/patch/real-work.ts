import fs from 'node:fs'
import { Transform } from 'node:stream'
import workerThreads from 'node:worker_threads'
import zlib from 'node:zlib'
import { RealWorkError } from '../errors.ts'
import type { PatchList } from './patch-list.ts'

/** Whether it is a class of streams: who makes one by `new` needs no function. */
function isStream(value: unknown): boolean {
  return typeof value === 'function' && value.prototype instanceof Transform
}

/** From Node.js 26 on they are not among the active resources, by which the run loop sees other work with files. */
const WHOLE_FILES = ['readFile', 'writeFile', 'appendFile']

/** What is done by threads or by the real event loop, piece by piece, so that nothing could wait until it is done. */
// Not `BroadcastChannel`: libp2p opens one with each lock of its peer store, and nobody is at its other end.
const REFUSED: readonly (readonly [object, readonly string[]])[] = [
  [globalThis, ['CompressionStream', 'DecompressionStream', 'MessageChannel']],
  [workerThreads, ['MessageChannel', 'Worker']],
  [Atomics, ['waitAsync']],
  [fs, WHOLE_FILES],
  [fs.promises, WHOLE_FILES],
  [Reflect.get(globalThis, 'WebAssembly'), ['compileStreaming', 'instantiateStreaming']],
  [zlib, Object.keys(zlib).filter((name) => name.startsWith('create') || isStream(Reflect.get(zlib, name)))],
]

/** Makes what no seed can replay throw, and tells of it. */
export function refuseRealWork(patches: PatchList, onRefused: (err: RealWorkError) => void): void {
  for (const [target, names] of REFUSED) {
    for (const name of names) {
      patches.set(target, name, function refused() {
        const err = new RealWorkError([name])
        onRefused(err)
        throw err
      })
    }
  }
}
