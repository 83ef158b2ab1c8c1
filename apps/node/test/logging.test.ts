import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it, onTestFinished } from 'vitest'
import { type LogLevel, createLog } from '../src/logging.ts'

function record(level: LogLevel, components: Record<string, LogLevel> = {}) {
  const lines: { component: string; msg: string; level: number }[] = []
  const log = createLog(
    { format: 'json', level, components },
    { write: (line: string) => lines.push(JSON.parse(line)) },
  )
  return { log, lines }
}

it('writes state changes of ours at info, and what libp2p calls an error at debug', () => {
  const { log, lines } = record('info', { 'libp2p:tcp': 'debug' })
  log.forComponent('gridmesh:handshake')('ready')
  log.forComponent('libp2p:yamux').error('reset')
  log.forComponent('libp2p:tcp')('dialling')
  log.forComponent('libp2p:tcp').error('refused')
  expect(lines.map(({ component, msg }) => [component, msg])).toEqual([
    ['gridmesh:handshake', 'ready'],
    ['libp2p:tcp', 'refused'],
  ])
})

it('takes the longest match of a component, and new levels at once', () => {
  const { log, lines } = record('error', { gridmesh: 'silent', 'gridmesh:unicast': 'trace' })
  const unicast = log.forComponent('gridmesh:unicast')
  unicast.trace('one')
  log.forComponent('gridmesh:broadcast').error('hidden')
  log.setLevels({ level: 'error', components: { 'gridmesh:unicast': 'error' } })
  unicast.trace('two')
  expect(unicast.enabled).toBe(false)
  log.forComponent('gridmesh:broadcast').error('shown')
  expect(lines.map(({ msg }) => msg)).toEqual(['one', 'shown'])
})

it("fills libp2p's placeholders and keeps what is left over", async () => {
  const { log, lines } = record('info')
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  log.forComponent('gridmesh:x')('%p said %s %d%%', peer, 'hello', 5, 'and more')
  expect(lines[0]?.msg).toBe(`${peer.toString()} said hello 5% and more`)
})

it('gives a scope of a scope its whole name', () => {
  const { log, lines } = record('info')
  log.forComponent('gridmesh:x').newScope('y')('hello')
  expect(lines[0]?.component).toBe('gridmesh:x:y')
})

it.runIf(existsSync('/dev/full'))(
  'keeps no process from ending, nor ends one, while the disk of the log is full',
  async () => {
    const full = await open('/dev/full', 'w')
    onTestFinished(() => full.close())
    const logging = new URL('../src/logging.ts', import.meta.url)
    const script = `
    import { createLog, logDestination } from ${JSON.stringify(logging)}
    const destination = logDestination()
    const say = createLog({ format: 'json', level: 'info', components: {} }, destination).forComponent('gridmesh:x')
    let left = 3
    destination.on('error', () => (--left > 0 ? say('again') : process.exit(left)))
    say('hello')`
    const args = ['--input-type=module', '--eval', script]
    const child = spawn(process.execPath, args, { stdio: ['ignore', full.fd, 'inherit'], timeout: 30_000 })
    expect(await once(child, 'exit')).toEqual([0, null])
  },
)

it('keeps no process from ending while nobody reads the pipe of the log', async () => {
  const logging = new URL('../src/logging.ts', import.meta.url)
  const script = `
    import { createLog, logDestination } from ${JSON.stringify(logging)}
    const destination = logDestination()
    const say = createLog({ format: 'json', level: 'info', components: {} }, destination).forComponent('gridmesh:x')
    destination.on('drop', () => process.exit(0))
    setInterval(() => say('x'.repeat(100_000)), 1)`
  const args = ['--input-type=module', '--eval', script]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 })
  expect(await once(child, 'exit')).toEqual([0, null])
})
