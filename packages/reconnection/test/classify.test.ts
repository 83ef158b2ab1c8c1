import { HandshakeRejectedError, QueueFullError } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { classify, classifyCode, PeerBannedError } from '../src/index.ts'
import { temper } from '../src/verdicts.ts'

const named = (name: string, rest: object = {}): Error => Object.assign(new TypeError('made up'), { name, ...rest })
const refused = (code: string): Error => new HandshakeRejectedError({ code, message: '' }, 'them')
const coded = (code: string): Error => named('Error', { code })

it.each<[Error, string, string]>([
  [coded('ECONNREFUSED'), 'retry', 'refused'],
  [coded('EHOSTUNREACH'), 'retry', 'unreachable'],
  [coded('EPIPE'), 'retry', 'reset'],
  [coded('EAI_AGAIN'), 'retry', 'dns-failed'],
  [coded('ENOTFOUND'), 'retry-later', 'dns-not-found'],
  [coded('EMFILE'), 'retry-later', 'out-of-resources'],
  [named('TimeoutError', { code: 23 }), 'retry', 'timed-out'],
  [named('AbortError'), 'retry', 'aborted'],
  [named('DialError'), 'retry-later', 'dial-failed'],
  [named('UnexpectedPeerError'), 'never', 'wrong-peer'],
  [named('TransportUnavailableError'), 'never', 'unsupported-transport'],
  [new PeerBannedError('somebody'), 'never', 'banned'],
  [new QueueFullError('maxQueued', 1, 'normal'), 'retry-later', 'busy'],
  [refused('wrong-chain'), 'never', 'wrong-chain'],
  [refused('wrong-genesis'), 'never', 'wrong-genesis'],
  [refused('wrong-fork-choice'), 'never', 'wrong-fork-choice'],
  [refused('no-common-version'), 'never', 'no-common-version'],
  [refused('unauthorised'), 'never', 'unauthorised'],
  [named('ConnectionRefusedError', { code: 'outbound-full' }), 'retry-later', 'full'],
  [named('ConnectionRefusedError', { code: 'banned' }), 'never', 'banned'],
  [named('ConnectionRefusedError', { code: 'made-up' }), 'retry-later', 'made-up'],
  [refused('clock-skew'), 'retry-later', 'clock-skew'],
  [refused('busy'), 'retry-later', 'busy'],
  [refused('timeout'), 'retry', 'timed-out'],
  [refused('made-up'), 'retry-later', 'made-up'],
  [refused('ECONNREFUSED'), 'retry-later', 'ECONNREFUSED'],
  [named('EncryptionFailedError', { message: 'noise is offended' }), 'retry-later', 'encryption-failed'],
  [
    named('EncryptionFailedError', { message: 'Protocol selection failed - could not negotiate /tls/1.0.0' }),
    'never',
    'no-common-encryption',
  ],
  [
    named('MuxerUnavailableError', { message: 'Protocol selection failed - could not negotiate /yamux/1.0.0' }),
    'never',
    'unsupported',
  ],
  [named('Whatever'), 'retry', 'unknown'],
])('takes %s for %s: %s', (error, action, reason) => {
  expect(classify(error)).toMatchObject({ action, reason })
})

it('goes by the name of a tag alone, since a second copy of a package has other classes', () => {
  expect(classify({ name: 'HandshakeRejectedError', code: 'wrong-chain' })).toMatchObject({ reason: 'wrong-chain' })
})

it('is as hopeful as the most hopeful of several addresses', () => {
  const errors = [named('UnexpectedPeerError'), coded('ENOTFOUND'), coded('ECONNREFUSED')]
  expect(classify(new AggregateError(errors))).toEqual({ action: 'retry', reason: 'refused' })
  expect(classify(new AggregateError(errors.slice(0, 2)))).toEqual({ action: 'retry-later', reason: 'dns-not-found' })
  expect(classify(new AggregateError(errors.slice(0, 1)))).toEqual({ action: 'never', reason: 'wrong-peer' })
  expect(classify(new AggregateError([]))).toEqual({ action: 'retry', reason: 'unknown' })
})

it('looks for the cause of an error that says nothing by itself', () => {
  const cause = new AggregateError([new TypeError('wrapped', { cause: coded('ECONNRESET') })])
  expect(classify(new TypeError('wrapped', { cause }))).toEqual({ action: 'retry', reason: 'reset' })
})

it.each([
  ['shutting-down', 'retry-later'],
  ['busy', 'retry-later'],
  ['too-many-peers', 'retry-later'],
  ['low-reputation', 'never'],
  ['banned', 'never'],
  ['idle', 'never'],
  ['constructor', 'retry-later'],
])('takes the goodbye %s for %s', (code, action) => {
  expect(classifyCode(code)).toMatchObject({ action })
})

it('hopes for important peers whatever happens, unless they are certainly not ours', () => {
  expect(temper(classifyCode('banned'), true)).toEqual({ action: 'retry-later', reason: 'banned' })
  expect(temper(classifyCode('banned'), false)).toEqual({ action: 'never', reason: 'banned' })
  expect(temper(classifyCode('wrong-chain'), true)).toMatchObject({ action: 'never', reason: 'wrong-chain' })
  expect(temper(classifyCode('timeout'), true)).toEqual({ action: 'retry', reason: 'timed-out' })
})

it('takes errors that hold themselves, by hundreds, and errors that throw when read', () => {
  const errors: unknown[] = []
  const loop = new AggregateError([])
  loop.errors = errors
  loop.cause = loop
  for (let i = 0; i < 500; i++) errors.push(loop)
  const trap = new Proxy(new TypeError('trap'), {
    get: () => {
      throw new RangeError('sprung')
    },
  })
  expect(classify(loop)).toEqual({ action: 'retry', reason: 'unknown' })
  expect(classify(trap)).toEqual({ action: 'retry', reason: 'unknown' })
})

it('never throws and always gives a verdict, whatever was thrown', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withSparseArray: true }), fc.string(), (thrown, text) => {
      for (const value of [thrown, { name: text, code: text, message: text, cause: thrown, errors: [thrown] }]) {
        const { action, reason } = classify(value)
        expect(['retry', 'retry-later', 'never']).toContain(action)
        expect(typeof reason).toBe('string')
      }
    }),
  )
})
