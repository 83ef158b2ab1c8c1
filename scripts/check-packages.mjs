// Checks the packages as a user gets them: packs each one, lints the tarball, then installs all tarballs in a plain
// npm project outside the workspace, type-checks a program against their types, and runs it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publishedPackages, root } from './packages.mjs'

const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })

const work = mkdtempSync(join(tmpdir(), 'gridmesh-pack-'))
try {
  const packages = publishedPackages()
  const filters = packages.flatMap(({ folder }) => ['--filter', `./${folder}`])
  run(root, 'pnpm', '-r', ...filters, 'pack', '--pack-destination', work)
  const tarballs = readdirSync(work).map((file) => join(work, file))
  for (const tarball of tarballs) {
    report(() => run(root, 'pnpm', 'exec', 'publint', 'run', tarball, '--strict'))
    report(() => run(root, 'pnpm', 'exec', 'attw', tarball, '--profile', 'esm-only', ...exceptions(tarball)))
  }

  const names = packages.map(({ manifest }) => manifest.name)
  const program = [
    ...names.map((name, index) => `import * as p${index} from '${name}'`),
    `for (const exported of [${names.map((_, index) => `p${index}`).join(', ')}]) {`,
    `  if (Object.keys(exported).length === 0) throw new TypeError('a package exports nothing')`,
    '}',
  ]
  const project = mkdtempSync(join(work, 'user-'))
  const dependencies = Object.fromEntries(
    packages.map(({ manifest }) => [
      manifest.name,
      `file:${tarballs.find((path) => path.includes(fileName(manifest)))}`,
    ]),
  )
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
  writeFileSync(join(project, 'use.ts'), program.join('\n'))
  const options = { module: 'nodenext', target: 'es2024', strict: true, skipLibCheck: true, types: ['node'] }
  const typeRoots = [join(root, 'node_modules', '@types')]
  const tsconfig = { compilerOptions: { ...options, typeRoots, outDir: 'out' }, files: ['use.ts'] }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
  run(project, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error')
  report(() => run(project, 'node', join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'))
  run(project, 'node', 'out/use.js')
  report(() => run(project, 'npx', '--no-install', 'gridmesh', '--version'))
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** The tools print their findings to stdout: shown only when they fail. */
function report(step) {
  try {
    step()
  } catch (err) {
    process.stderr.write(err.stdout ?? '')
    throw err
  }
}

/**
 * simnet's scenarios import simnet by its name, which the node10 resolution does not know: attw counts that as a fault
 * even where its profile leaves node10 out.
 */
function exceptions(tarball) {
  return tarball.includes('gridmesh-simnet-') ? ['--ignore-rules', 'internal-resolution-error'] : []
}

function fileName({ name, version }) {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
}
