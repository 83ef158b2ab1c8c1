import { readFileSync, readdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Config, loadConfig } from '@gridmesh/config'
import { UnusableFileError } from '../errors.ts'
import { type NodeConfig, nodeConfigSchema } from './schema.ts'

const PROFILES = new URL('../../profiles/', import.meta.url)

/** Where a node's settings come from, the last one winning: defaults, profile, file, environment, flags. */
export interface ConfigSources {
  /** Name of a ready profile. */
  profile?: string | undefined
  /** Path of a YAML file. */
  file?: string | undefined
  /** Settings by dotted path. */
  flags?: Readonly<Record<string, unknown>>
}

/** Names of the profiles that come with the node. */
export function profileNames(): string[] {
  return readdirSync(PROFILES)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .toSorted()
}

/**
 * Reads a node's settings. Relative paths in a file are relative to that file.
 * @throws {ConfigError} naming every fault, with file, line, column, what came and what was expected
 */
export function loadNodeConfig({ profile, file, flags = {} }: ConfigSources): {
  config: NodeConfig
  source: Config<NodeConfig>
} {
  const source = loadConfig({
    schema: nodeConfigSchema,
    ...(profile === undefined ? {} : { profile: { name: profile, text: readProfile(profile) } }),
    ...(file === undefined ? {} : { file: { path: file } }),
    env: process.env,
    otherEnv: ['GRIDMESH_URL'],
    flags,
    flagName: (path) => `--set ${path}`,
  })
  const { value } = source
  const absolute = (path: 'dataDir' | 'genesis'): string => {
    const isFromFile = file !== undefined && source.origin(path).source === 'file'
    return resolve(isFromFile ? dirname(file) : '.', value[path])
  }
  return { source, config: { ...value, dataDir: absolute('dataDir'), genesis: absolute('genesis') } }
}

function readProfile(name: string): string {
  if (!profileNames().includes(name)) {
    throw new UnusableFileError('profile', name, `there is none of that name; there are ${profileNames().join(', ')}`)
  }
  return readFileSync(new URL(`${name}.yaml`, PROFILES), 'utf8')
}
