/** Writes a path for people: `p2p.bootstrap[0]`, with quotes around keys that would not read back. */
export function formatPath(keys: readonly PropertyKey[]): string {
  let path = ''
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`
    else if (/^[^.[\]"\s]+$/.test(String(key))) path += path === '' ? String(key) : `.${String(key)}`
    else path += `[${JSON.stringify(String(key))}]`
  }
  return path
}

/** The words of a camelCase or kebab-case key, in lower case. */
function words(key: string): string[] {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/** Name of the variable that sets a path: words and levels alike are joined by one underscore. */
export function environmentName(prefix: string, keys: readonly string[]): string {
  return prefix + keys.flatMap(words).join('_').toUpperCase()
}

/** Name of the flag that sets a dotted path, where the program does not say how it names them. */
export function defaultFlagName(path: string): string {
  return `--${path.split('.').flatMap(words).join('-')}`
}

/** Reads along a path of plain objects and lists; `undefined` where it ends early. */
export function getAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  let at = value
  for (const key of keys) {
    if (typeof at !== 'object' || at == null || !Object.hasOwn(at, key)) return undefined
    at = Reflect.get(at, key)
  }
  return at
}

/** Whether a value is an object of settings: no list, no date, no instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value == null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
