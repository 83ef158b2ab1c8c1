// Fails on an import that leaves the star: a package imports @gridmesh/interfaces and no sibling, but for the arrows
// named here; apps may import every package.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedPackages, root } from './packages.mjs'

const ALLOWED = {
  broadcast: ['chunking'],
  unicast: ['chunking'],
  consensus: ['ledger'],
  mempool: ['ledger'],
  'block-store': ['ledger'],
  'key-value-chain': ['ledger'],
  verifier: ['ledger'],
}
const IMPORT = /(?:from|import)\s*\(?\s*['"](@gridmesh\/([a-z-]+)[^'"]*|\.\.?\/[^'"]*)['"]/g

const faults = []
for (const { folder, manifest } of publishedPackages()) {
  if (!folder.startsWith('packages/')) continue
  const name = folder.slice('packages/'.length)
  const allowed = new Set(['interfaces', name, ...(ALLOWED[name] ?? [])])
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    const sibling = /^@gridmesh\/(.+)$/.exec(dependency)?.[1]
    if (sibling !== undefined && !allowed.has(sibling)) faults.push(`${folder}/package.json depends on ${dependency}`)
  }
  for (const file of globSync('{src,scenarios}/**/*.ts', { cwd: join(root, folder) })) {
    for (const [, specifier, sibling] of readFileSync(join(root, folder, file), 'utf8').matchAll(IMPORT)) {
      if (sibling !== undefined && !allowed.has(sibling)) faults.push(`${folder}/${file} imports ${specifier}`)
      if (sibling === undefined && !join(folder, file, '..', specifier).startsWith(`${folder}/`)) {
        faults.push(`${folder}/${file} reaches outside its package: ${specifier}`)
      }
    }
  }
}

for (const fault of faults) console.error(fault)
if (faults.length > 0) {
  console.error('A package may import @gridmesh/interfaces and no sibling (ARCHITECTURE.md, "The star").')
  process.exit(1)
}
