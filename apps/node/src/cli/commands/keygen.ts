import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Command } from 'commander'
import { newKey } from '../new-key.ts'
import { Output } from '../output.ts'

/** `gridmesh keygen`: makes a key file. */
export function keygenCommand(): Command {
  return new Command('keygen')
    .description('make a key file, readable by its owner only; an existing one is never overwritten')
    .argument('[file]', 'file to write', 'identity.key')
    .option('--json', 'print JSON for machines')
    .addHelpText('after', '\nExample:\n  gridmesh keygen data/identity.key')
    .action(async (file: string, options: { json?: boolean }) => {
      const peerId = peerIdFromPrivateKey(await newKey(file)).toString()
      new Output(options).result({ file, peerId }, () => `Wrote ${file}\nPeer id ${peerId}`)
    })
}
