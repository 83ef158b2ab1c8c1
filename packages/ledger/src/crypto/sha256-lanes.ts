/**
 * SHA-256 (FIPS 180-4) of four messages at once, as a module of WebAssembly: each word of the four is one vector, so a round
 * costs as much as for one. It is written out here instruction by instruction, since nothing but these few is needed.
 */

/** Messages hashed at once. */
export const LANES = 4
/** Where the module has memory for messages. Before it are the constants of the rounds, each four times. */
export const MESSAGES_AT = 1_024

const PAGE_BYTES = 65_536
/** Types, and that of a loop that gives nothing. */
const [I32, V128, NO_RESULT] = [0x7f, 0x7b, 0x40] as const
const ROUNDS = 64
const WORDS = 16
const STATES = 8

/** Opcodes; those of vectors stand behind 0xfd. */
const OP = {
  loop: 0x03,
  brIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32: 0x41,
  add: 0x6a,
  sub: 0x6b,
  end: 0x0b,
} as const
const V = {
  load: 0,
  shuffle: 13,
  splat: 17,
  and: 78,
  xor: 81,
  or: 80,
  loadLane: 86,
  storeLane: 90,
  loadZero: 92,
  shl: 171,
  shr: 173,
  add: 174,
} as const

/** Parameters: where the messages begin, bytes from one to the next, blocks of each, and where the digests go. */
const [FROM, STRIDE, BLOCKS, TO] = [0, 1, 2, 3] as const
/** Where each lane is. */
const LANE = 4
const WORD = LANE + LANES
const STATE = WORD + WORDS
const NOW = STATE + STATES
const SUM = NOW + STATES
const LOCALS = { i32: LANES, v128: WORDS + 2 * STATES + 1 }

type Code = readonly number[]

/** Code one behind the other. */
const seq = (...parts: readonly Code[]): Code => parts.flat()
const times = (count: number, part: (i: number) => Code): Code =>
  Array.from({ length: count }, (_, i) => part(i)).flat()

/** A number as LEB128 has it. */
const unsigned = (value: number): Code => {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    bytes.push((rest & 0x7f) | (rest < 0x80 ? 0 : 0x80))
    if (rest < 0x80) return bytes
  }
}
const signed = (value: number): Code => {
  const bytes: number[] = []
  for (let rest = value | 0; ; rest >>= 7) {
    const isLast = rest >= -64 && rest < 64
    bytes.push((rest & 0x7f) | (isLast ? 0 : 0x80))
    if (isLast) return bytes
  }
}
const sized = (bytes: Code): Code => seq(unsigned(bytes.length), bytes)
const section = (id: number, ...items: readonly Code[]): Code =>
  seq([id], sized(seq(unsigned(items.length), items.flat())))

const get = (local: number): Code => seq([OP.get], unsigned(local))
const set = (local: number): Code => seq([OP.set], unsigned(local))
const i32 = (value: number): Code => seq([OP.i32], signed(value))
const vector = (op: number, ...rest: readonly Code[]): Code => seq([0xfd], unsigned(op), rest.flat())
/** Aligned to so many bits, at an offset. */
const place = (bits: number, offset: number): Code => seq(unsigned(bits), unsigned(offset))
const two = (op: number, a: Code, b: Code): Code => seq(a, b, vector(op))
const sum = (...terms: readonly Code[]): Code => terms.reduce((a, b) => two(V.add, a, b))
const xor = (...terms: readonly Code[]): Code => terms.reduce((a, b) => two(V.xor, a, b))
const shifted = (op: number, a: Code, bits: number): Code => seq(a, i32(bits), vector(op))
const rotated = (a: Code, bits: number): Code => two(V.or, shifted(V.shr, a, bits), shifted(V.shl, a, 32 - bits))
const turned = (a: Code, bits: readonly number[]): Code => xor(...bits.map((each) => rotated(a, each)))
/** The order of bytes in which those of each word are the other way round. */
const REVERSED = Array.from({ length: 16 }, (_, i) => i ^ 3)
const reverse = (local: number): Code => seq(get(local), get(local), vector(V.shuffle, REVERSED), set(local))

/** The first 32 bits behind the point of a root of the first primes: exact, in whole numbers. */
function fractions(count: number, power: 2 | 3): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) {
    if (Array.from({ length: n - 2 }, (_, i) => n % (i + 2)).includes(0)) continue
    const whole = BigInt(n) << BigInt(32 * power)
    let root = 0n
    for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) if ((root + bit) ** BigInt(power) <= whole) root += bit
    found.push(Number(BigInt.asUintN(32, root)))
  }
  return found
}

/** Reads word `index` of the block of each lane. */
function readWord(index: number): Code {
  const at = place(2, index * 4)
  let code = seq(get(LANE), vector(V.loadZero, at))
  for (let lane = 1; lane < LANES; lane++) code = seq(get(LANE + lane), code, vector(V.loadLane, at, [lane]))
  return seq(code, set(WORD + index), reverse(WORD + index))
}

/** Word `number` of the schedule, in the place of the one sixteen before. */
function extend(number: number): Code {
  const back = (words: number): Code => get(WORD + ((number - words) % WORDS))
  const small = xor(turned(back(15), [7, 18]), shifted(V.shr, back(15), 3))
  const large = xor(turned(back(2), [17, 19]), shifted(V.shr, back(2), 10))
  return seq(sum(back(16), small, back(7), large), set(WORD + (number % WORDS)))
}

/** One round. What moves from one variable to the next is renamed: `a` is the first, `h` the last. */
function round(number: number): Code {
  const local = (variable: number): number => NOW + ((variable - number + ROUNDS) % STATES)
  const [a, b, c, d] = [get(local(0)), get(local(1)), get(local(2)), get(local(3))]
  const [e, f, g, h] = [get(local(4)), get(local(5)), get(local(6)), get(local(7))]
  const constant = seq(i32(0), vector(V.load, place(4, number * 16)))
  const choice = xor(g, two(V.and, e, xor(f, g)))
  const majority = xor(b, two(V.and, xor(a, b), xor(b, c)))
  return seq(
    number < WORDS ? [] : extend(number),
    sum(h, turned(e, [6, 11, 25]), choice, constant, get(WORD + (number % WORDS))),
    set(SUM),
    sum(d, get(SUM)),
    set(local(3)),
    sum(get(SUM), turned(a, [2, 13, 22]), majority),
    set(local(7)),
  )
}

/** Hashes the next block of each lane. */
function block(): Code {
  return seq(
    times(WORDS, readWord),
    times(STATES, (i) => seq(get(STATE + i), set(NOW + i))),
    times(ROUNDS, round),
    times(STATES, (i) => seq(sum(get(STATE + i), get(NOW + i)), set(STATE + i))),
    times(LANES, (lane) => seq(get(LANE + lane), i32(64), [OP.add], set(LANE + lane))),
  )
}

/** Writes word `index` of the digest of each lane. */
function writeWord(index: number): Code {
  const write = (lane: number): Code =>
    seq(get(TO), get(STATE + index), vector(V.storeLane, place(2, lane * 32 + index * 4), [lane]))
  return seq(reverse(STATE + index), times(LANES, write))
}

function body(): Code {
  const initial = fractions(STATES, 2)
  return seq(
    times(STATES, (i) => seq(i32(initial[i] ?? 0), vector(V.splat), set(STATE + i))),
    seq(get(FROM), set(LANE)),
    times(LANES - 1, (i) => seq(get(LANE + i), get(STRIDE), [OP.add], set(LANE + i + 1))),
    [OP.loop, NO_RESULT],
    block(),
    seq(get(BLOCKS), i32(1), [OP.sub, OP.tee], unsigned(BLOCKS), [OP.brIf, 0, OP.end]),
    times(STATES, writeWord),
    [OP.end],
  )
}

/** The module, with so much memory. */
export function lanesModule(bytes: number): Uint8Array<ArrayBuffer> {
  const name = (text: string): Code => sized([...Buffer.from(text)])
  const locals = seq([2], unsigned(LOCALS.i32), [I32], unsigned(LOCALS.v128), [V128])
  const constants = fractions(ROUNDS, 3).flatMap((value) => {
    const word = Buffer.alloc(4)
    word.writeUInt32LE(value)
    return times(LANES, () => [...word])
  })
  return Uint8Array.from(
    seq(
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [0x60, 4, I32, I32, I32, I32, 0]),
      section(3, [0]),
      section(5, seq([0], unsigned(Math.ceil(bytes / PAGE_BYTES)))),
      section(7, seq(name('memory'), [2, 0]), seq(name('hash'), [0, 0])),
      section(10, sized(seq(locals, body()))),
      section(11, seq([0], i32(0), [OP.end], sized(constants))),
    ),
  )
}
