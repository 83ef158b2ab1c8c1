import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DAN } from '../chain/chains.ts'
import { gridmesh } from './gridmesh.ts'
import { keyFile, someDirectory } from './network-files.ts'
import { place } from './place.ts'

describe('hostile input', () => {
  const hash = '0'.repeat(64)
  const transfer = ['tx', 'transfer', '--to', hash, '--amount', '1']
  it.each([
    [['tx', 'transfer', '--to', hash, '--amount', '12.50'], 'in satang or Wh'],
    [['tx', 'transfer', '--to', hash, '--amount', '12thb'], '"12thb"'],
    [['tx', 'transfer', '--to', hash, '--amount', '0'], 'from 1 to 9007199254740991'],
    [['tx', 'transfer', '--to', hash, '--amount', '-5'], '"-5"'],
    [['tx', 'transfer', '--to', hash, '--amount', '9007199254740992'], 'to 9007199254740991, in'],
    [['tx', 'transfer', '--to', hash, '--amount', '1e3'], '"1e3"'],
    [['tx', 'transfer', '--to', 'erin', '--amount', '1'], 'got "erin"'],
    [['tx', 'transfer', '--amount', '1'], '--to'],
    [[...transfer, '--asset', 'gold'], 'gold'],
    [[...transfer, '--wait', '--timeout', '0'], '--timeout'],
    [[...transfer, '--wait', '--timeout', '1e1'], 'got "1e1"'],
    [['tx', 'reading', '--meter', 'm', '--produced', '-1'], '--produced'],
    [['tx', 'reading', '--meter', 'm', '--sequence', '0'], '--sequence'],
    [['tx', 'reading', '--meter', 'm', '--time', 'noon'], '"noon"'],
    [['tx', 'show', 'abc'], '"abc"'],
    [['wallet', 'balance', hash.slice(1)], 'address'],
    [['chain', 'block', 'newest'], '"newest"'],
    [['chain', 'block', '-1'], '-1'],
    [['export', 'f', '--from', '0'], '--from'],
    [['export', 'f', '--to', 'x'], '--to'],
    [['sync', 'status', '--bogus'], '--bogus'],
    [['tx', 'bogus'], 'bogus'],
    [['devnet', '--exit-after-replay'], '--replay'],
    [['peers', 'explain', ''], 'a peer id, got ""'],
    [['peers', 'unban', '..'], 'a peer id, got ".."'],
    [['status', '--url', 'foo'], '"foo"'],
    [['status', '--url', 'localhost:8545'], 'such as http://127.0.0.1:8545'],
    [['status', '--url', ''], '""'],
    [['keygen', ''], 'Expected <file> to be the path of a file, got ""'],
    [['wallet', 'new', ''], 'Expected <file> to be the path of a file, got ""'],
    [['wallet', 'address', ''], 'Expected <file> to be the path of a file, got ""'],
    [['wallet', 'balance', '--key', ''], 'Expected --key to be the path of a file, got ""'],
    [['start', '--config', ''], 'Expected --config to be the path of a file, got ""'],
    [['config', 'check', '--config', ''], 'Expected --config to be the path of a file, got ""'],
    [['devnet', '--data', ''], 'Expected --data to be the path of a directory, got ""'],
    [['devnet', '--replay', ''], 'Expected --replay to be the path of a file, got ""'],
    [['submit', ''], 'Expected <file> to be the path of a file, got ""'],
    [['status', '--token-file', ''], 'Expected --token-file to be the path of a file, got ""'],
    [['status', '--node', 'mea', '--data', ''], 'Expected --data to be the path of a directory, got ""'],
    [[...transfer, '--genesis', ''], 'Expected --genesis to be the path of a file, got ""'],
    [['export', ''], 'Expected <file> to be the path of a file, got ""'],
    [['import', ''], 'Expected <file> to be the path of a file, got ""'],
    [['sim', '--scenario', 'gossip', '--trace', ''], 'Expected --trace to be the path of a file, got ""'],
    [['sim', 'report', '--scenario', 'gossip', '--output', ''], 'Expected --output to be the path of a file, got ""'],
    [['sim', '--scenario', 'gossip', '--seeds', '2..1'], '"2..1"'],
    [['sim', '--scenario', 'gossip', '--seeds', '0..4294967295'], '100000 at most, got 4294967296'],
    [['sim', '--scenario', 'gossip', '--seeds', '1..100001'], '100000 at most, got 100001'],
  ])('%s ends with 2 and says %s', async (args, word) => {
    const { code, stderr } = await gridmesh(...args)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(word) })
  })

  it('of a key file ends with 3, and of no node with 5', async () => {
    const directory = await someDirectory()
    const none = join(directory, 'none.key')
    expect(await gridmesh(...transfer, '--key', none)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('does not exist'),
    })
    const key = await keyFile(directory, DAN)
    expect(await gridmesh(...transfer, '--key', key, '--url', 'http://127.0.0.1:1')).toMatchObject({ code: 5 })
  })

  it('of a token file ends with 3', async () => {
    const none = join(await someDirectory(), 'none')
    expect(await gridmesh('status', '--token-file', none)).toEqual({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/token file .*none: it does not exist\n$/),
    })
  })

  it('of a file for a trace ends with 3', async () => {
    const trace = join(await someDirectory(), 'none', 'trace.jsonl')
    expect(await gridmesh('sim', '--scenario', 'gossip', '--nodes', '2', '--trace', trace)).toEqual({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/Cannot use the trace .*trace\.jsonl: it does not exist\n$/),
    })
  })

  it('of a zone names the zones that there are', async () => {
    const { url, key } = await place()
    const args = [...transfer, '--key', key, '--url', url, '--zone', 'atlantis']
    expect(await gridmesh(...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('central, bangkok, got "atlantis"'),
    })
  })
})
