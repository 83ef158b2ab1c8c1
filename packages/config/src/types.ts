/** Where a value can come from, the weakest first. */
export type ConfigSource = 'default' | 'profile' | 'file' | 'environment' | 'flag'

/** Where a value came from. */
export interface Origin {
  source: ConfigSource
  /** `node.yaml:12:5`, `GRIDMESH_P2P_PORT`, or `--p2p-port` as `flagName` has it; absent for a default. */
  where?: string
}

/** One setting of a loaded configuration. */
export interface ConfigEntry {
  /** Dotted, such as `p2p.port`. */
  path: string
  /** The same, key by key. */
  keys: readonly string[]
  /** `'[redacted]'` for a secret that is set; `undefined` for a setting that is optional and not set. */
  value: unknown
  isSecret: boolean
  origin: Origin
}

/** A loaded configuration. `JSON.stringify` and `util.inspect` show it, and its value, without secrets. */
export interface Config<T> {
  /** The validated settings, frozen at every depth. */
  readonly value: T
  /**
   * Says where the value at a dotted path came from; an entry of a list (`p2p.bootstrap[0]`) has a place of its own.
   * @throws {RangeError} when there is no such setting
   */
  origin(path: string): Origin
  /** Returns every setting in the order of the schema, secrets redacted. */
  entries(): ConfigEntry[]
  /** Returns the settings as plain data, secrets redacted. */
  toJSON(): Record<string, unknown>
}

/** A place in a source, as precise as the source allows. */
export interface Place {
  /** As shown to people: file, line and column, variable, or flag. */
  where: string
  file?: string
  line?: number
  column?: number
}

/** A value and everything below it, each with its place. */
export type Located =
  | { kind: 'scalar'; value: unknown; place: Place }
  | { kind: 'list'; items: Located[]; place: Place }
  | { kind: 'map'; entries: Map<string, { keyPlace: Place; node: Located }>; place: Place }
