import { expect, it } from 'vitest'
import { checkWithin, FREE_BYTES } from '../src/bounds.ts'
import { Coverage } from '../src/coverage.ts'
import { applyEdits, type Edit, MAX_INPUT_BYTES } from '../src/edits.ts'
import { type FuzzReport, Fuzzer } from '../src/fuzzer.ts'
import { Random, randomEdits } from '../src/random-edits.ts'
import { canonical, type Decoder, Finding, stable, type Target } from '../src/target.ts'

/** A number in one byte, 1 to 9: sound, to be broken. */
const digit: Decoder<number> = {
  name: 'digit',
  seeds: [Uint8Array.of(1)],
  decode: (bytes) => {
    const [value = 0] = bytes
    if (bytes.byteLength !== 1 || value < 1 || value > 9) throw new RangeError('no digit')
    return value
  },
  encode: (value) => Uint8Array.of(value),
  refusals: ['RangeError'],
}

it('takes what is read and written as the same bytes, and what is refused by an error that is for that', () => {
  expect(canonical(digit).check(Uint8Array.of(7))).toBe('read')
  expect(canonical(digit).check(Uint8Array.of(0))).toBe('refused')
  expect(canonical({ ...digit, isRefusal: (value) => value === 7 }).check(Uint8Array.of(7))).toBe('refused')
})

it.each<[string, Target]>([
  ['reads two forms of a value', canonical({ ...digit, decode: () => 1 })],
  [
    'throws what is not for that',
    canonical({ ...digit, decode: () => digit.decode(new Uint8Array()), refusals: ['SyntaxError'] }),
  ],
  ['writes what it does not read', stable({ ...digit, decode: (bytes) => (bytes[0] === 2 ? 0 : digit.decode(bytes)) })],
  [
    'writes another value each time',
    stable({ ...digit, decode: (bytes) => (bytes[0] ?? 0) + 1, encode: (value) => Uint8Array.of(value) }),
  ],
])('finds a decoder that %s', (_, target) => {
  expect(() => target.check(Uint8Array.of(2))).toThrow(Finding)
})

it('lets a value have several forms that are read as the same', () => {
  const forms = stable({ ...digit, decode: (bytes) => digit.decode(bytes.subarray(0, 1)) })
  expect(forms.check(Uint8Array.of(3, 99))).toBe('read')
})

const plain = (check: Target['check']): Target => ({ name: 'plain', seeds: [Uint8Array.of(0, 0)], check })

it('finds a target that takes more memory than its input allows', async () => {
  const held: Uint8Array[] = []
  const greedy = plain(() => {
    held.push(new Uint8Array(2 * FREE_BYTES))
    return 'read'
  })
  await expect(checkWithin(greedy, Uint8Array.of(1))).rejects.toThrow('bytes, and')
  expect(held.length).toBe(3)
})

it('finds a target that takes longer than it may, each time', async () => {
  let calls = 0
  const slow = plain(() => {
    calls++
    const endMs = performance.now() + 1_010
    while (performance.now() < endMs);
    return 'read'
  })
  await expect(checkWithin(slow, Uint8Array.of(1))).rejects.toThrow('ms and')
  expect(calls).toBe(3)
})

async function fuzzed(target: Target, seed: number, totalMs: number): Promise<FuzzReport> {
  const coverage = new Coverage()
  try {
    return await new Fuzzer({ target, corpus: [], coverage, totalMs, seed }).run()
  } finally {
    coverage.close()
  }
}

/** Fails at one value of a byte, and only there. */
const planted = plain((bytes) => {
  if (bytes[1] === 200) throw new Finding('200')
  return 'read'
})

it('finds one value of 256, stops at the first fault, and does so again with the same seed', async () => {
  const reports = [await fuzzed(planted, 5, 60_000), await fuzzed(planted, 5, 60_000)]
  for (const { found } of reports) expect(found.map(({ bytes }) => bytes[1])).toEqual([200])
  expect(reports[0]).toEqual(reports[1])
  expect((await fuzzed(planted, 6, 60_000)).found[0]?.bytes).not.toEqual(reports[0]?.found[0]?.bytes)
})

it('applies each kind of edit to whatever it is given, empty inputs as well', () => {
  const cases: [Edit, number[]][] = [
    [{ kind: 'set', at: 4, value: 9 }, [1, 9, 3]],
    [{ kind: 'flip', at: 0, bit: 1 }, [3, 2, 3]],
    [{ kind: 'add', at: 2, by: -4 }, [1, 2, 255]],
    [{ kind: 'number', at: 1, bytes: 2, value: 0xffff }, [1, 255, 255]],
    [{ kind: 'number', at: 0, bytes: 4, value: 0x7fff_ffff }, [127, 255, 255, 255]],
    [{ kind: 'insert', at: 1, bytes: [7, 8] }, [1, 7, 8, 2, 3]],
    [{ kind: 'remove', at: 1, length: 9 }, [1]],
    [{ kind: 'repeat', at: 0, length: 2 }, [1, 2, 1, 2, 3]],
    [{ kind: 'truncate', at: 5 }, [1, 2]],
    [{ kind: 'splice', at: 1, from: 2, length: 5, isInserted: false }, [1, 52, 3]],
    [{ kind: 'splice', at: 1, from: 0, length: 2, isInserted: true }, [1, 50, 51, 2, 3]],
  ]
  const other = Uint8Array.of(50, 51, 52)
  for (const [edit, expected] of cases) {
    expect([...applyEdits(Uint8Array.of(1, 2, 3), [edit], other)]).toEqual(expected)
    expect(applyEdits(new Uint8Array(), [edit], new Uint8Array()).byteLength).toBeLessThanOrEqual(4)
  }
  const long = applyEdits(new Uint8Array(MAX_INPUT_BYTES), [{ kind: 'insert', at: 0, bytes: [1] }], other)
  expect(long.byteLength).toBe(MAX_INPUT_BYTES)
})

function draw(seed: number): Edit[] {
  const random = new Random(seed)
  return Array.from({ length: 200 }, () => randomEdits(random)).flat()
}

it('draws every kind of edit, and the same ones from the same seed', () => {
  expect(new Set(draw(1).map(({ kind }) => kind)).size).toBe(9)
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
})
