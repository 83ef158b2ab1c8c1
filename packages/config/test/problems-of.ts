import { ConfigError, loadConfig, type ConfigInit, type ConfigProblem } from '../src/index.ts'

/** The problems that loading names; none when it succeeds. */
export function problemsOf(init: ConfigInit): readonly ConfigProblem[] {
  try {
    loadConfig(init)
    return []
  } catch (err) {
    if (err instanceof ConfigError) return err.problems
    throw err
  }
}

/** The lines that a person reads. */
export function linesOf(init: ConfigInit): string[] {
  return problemsOf(init).map(({ message }) => message)
}
