import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Others that ours is held against. Each has a folder with a lockfile of its own, apart from the product's. */
export type Peer = 'lodestar' | 'hyperdht' | 'ws' | 'gossipsub-14'

/** The script `name` of a peer, whose packages are installed when they are first needed. */
export function peerScript(peer: Peer, name: string): URL {
  const folder = new URL(`${peer}/`, import.meta.url)
  if (!existsSync(new URL('node_modules/.package-lock.json', folder))) install(fileURLToPath(folder))
  return new URL(name, folder)
}

/** By npm beside the running Node.js, from the lockfile, without anybody's install scripts. */
function install(cwd: string): void {
  const bin = dirname(process.execPath)
  const { status, signal } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: `${process.env['PATH']}:${bin}` },
  })
  if (status !== 0) throw new RangeError(`npm ci in ${cwd} ended by ${signal ?? `code ${status}`}`)
}
