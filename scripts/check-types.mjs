// Type-checks all packages, their tests among them, in one process: a compiler for each would load the same files anew.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './packages.mjs'

const folders = ['packages', 'apps', 'tests'].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) => join(parent, name)),
)
/** Where the sources are built, the tests have a configuration of their own, which holds both. */
const projects = [...folders, 'bench', 'examples']
  .map((folder) => ['tsconfig.test.json', 'tsconfig.json'].map((name) => join(folder, name)))
  .flatMap((names) => names.filter((name) => existsSync(join(root, name))).slice(0, 1))

const { status } = spawnSync('pnpm', ['exec', 'tsc', '--build', ...projects], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
