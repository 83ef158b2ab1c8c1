// Runs before each file of tests: what is waited for has almost as long as a test has. By itself vitest gives up after
// a second, and a busy machine may pause for longer: only what hangs is to fail.
import { vi } from 'vitest'

const timeout = 25_000

for (const name of ['waitFor', 'waitUntil']) {
  const wait = vi[name]
  // Files that share a process share its `vi`.
  if (wait.isPatient) continue
  const patient = (check, options = {}) => wait(check, typeof options === 'number' ? options : { timeout, ...options })
  vi[name] = Object.assign(patient, { isPatient: true })
}
