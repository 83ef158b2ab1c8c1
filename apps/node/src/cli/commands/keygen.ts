import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Command } from 'commander'
import { fileProblem } from '../../errors.ts'
import { createIdentity } from '../../identity.ts'
import { Output } from '../output.ts'

/** `gridmesh keygen`: makes a key file. */
export function keygenCommand(): Command {
  return new Command('keygen')
    .description('make a key file, readable by its owner only; an existing one is never overwritten')
    .argument('[file]', 'file to write', 'identity.key')
    .option('--json', 'print JSON for machines')
    .addHelpText('after', '\nExample:\n  gridmesh keygen data/identity.key')
    .action(async (file: string, options: { json?: boolean }) => {
      await mkdir(dirname(file), { recursive: true }).catch((cause: unknown) => {
        throw fileProblem('directory', dirname(file), cause)
      })
      const peerId = peerIdFromPrivateKey(await createIdentity(file)).toString()
      new Output(options).result({ file, peerId }, () => `Wrote ${file}\nPeer id ${peerId}`)
    })
}
