import nodeCrypto from 'node:crypto'
import { promisify } from 'node:util'
import { type NodeScript, refusal } from './script.ts'

/** Whether a function of `node:crypto` accepts arguments. */
async function cryptoRefusal(name: string, args: readonly unknown[]): Promise<string> {
  return refusal(() => void Reflect.apply(Reflect.get(Object(nodeCrypto), name), nodeCrypto, args))
}

export const RANDOMNESS: readonly NodeScript[] = [
  {
    name: 'random bytes of a size, or to a callback later',
    async run(log) {
      for (const size of [0, 5, -1, 1.5, '5', undefined, 2 ** 31, 2 ** 40]) {
        log(size, await cryptoRefusal('randomBytes', [size]))
      }
      log(await cryptoRefusal('randomBytes', [4, 'none']), Buffer.isBuffer(nodeCrypto.randomBytes(3)))
      const { promise, resolve } = Promise.withResolvers<unknown>()
      nodeCrypto.randomBytes(4, (err, bytes) => resolve(`${err} ${Buffer.isBuffer(bytes)} ${bytes.length}`))
      log('at once')
      log(await promise)
    },
  },
  {
    name: 'a random number from one to another',
    async run(log) {
      const ranges = [
        [0],
        [-5],
        [5, 5],
        [5, 3],
        [1.5],
        ['x'],
        [2 ** 48],
        [2 ** 48 - 1],
        [0, 2 ** 48],
        [],
        [-3, -1],
        [5, 'x'],
      ]
      for (const range of ranges) log(range, await cryptoRefusal('randomInt', range))
      log(await cryptoRefusal('randomInt', [5, 7, 'none']), nodeCrypto.randomInt(-3, -2), nodeCrypto.randomInt(1))
      log(await promisify<number, number, number>(nodeCrypto.randomInt)(7, 8))
    },
  },
  {
    name: 'a part of something filled at random, counted in its elements',
    async run(log) {
      const words = nodeCrypto.randomFillSync(new Uint32Array(4), 1, 2)
      log(Array.from(words, (word) => word !== 0))
      const bytes = new Uint8Array(8)
      log(nodeCrypto.randomFillSync(bytes) === bytes, nodeCrypto.randomFillSync(new Float64Array(1)).byteLength)
      const filled = [bytes, new DataView(new ArrayBuffer(8)), new Uint32Array(2)]
      for (const buffer of filled) {
        const { promise, resolve } = Promise.withResolvers<unknown>()
        nodeCrypto.randomFill(buffer, (_, same) => resolve(same))
        log((await promise) === buffer)
      }
      for (const args of [[bytes, 9], [bytes, 4, 8], ['text'], [bytes, -1]]) {
        log(await cryptoRefusal('randomFillSync', args))
      }
      log(await cryptoRefusal('randomFill', [bytes]), await cryptoRefusal('randomFill', [bytes, 1]))
    },
  },
  {
    name: 'random values of WebCrypto: what it fills, and on what it may be called',
    async run(log) {
      const arrays = [
        new Uint8Array(3),
        new BigUint64Array(2),
        new Float32Array(3),
        new DataView(new ArrayBuffer(3)),
        new ArrayBuffer(3),
        new Uint8Array(65_537),
        'text',
        undefined,
      ]
      for (const array of arrays)
        log(await refusal(() => Reflect.apply(Reflect.get(crypto, 'getRandomValues'), crypto, [array])))
      for (const name of ['getRandomValues', 'randomUUID']) {
        log(await refusal(() => Reflect.apply(Reflect.get(crypto, name), undefined, [new Uint8Array(1)])))
      }
      const { getRandomValues, randomUUID } = nodeCrypto
      log(getRandomValues(new Uint8Array(2)).length, randomUUID().length)
      log(await cryptoRefusal('randomUUID', [3]), await cryptoRefusal('randomUUID', [{ disableEntropyCache: true }]))
    },
  },
]
