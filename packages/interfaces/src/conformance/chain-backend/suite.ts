import type { ConformanceCase } from '../case.ts'
import { branchCases } from './branches.ts'
import type { ChainBackendHarness } from './harness.ts'
import { importCases } from './imports.ts'
import { readCases } from './reads.ts'
import { ChainBackendBench } from './trial.ts'

/** What a `ChainBackend` must hold, as cases for any runner. @throws {RangeError} when `patienceMs` is not above 0 */
export function chainBackendConformance(harness: ChainBackendHarness): ConformanceCase[] {
  const bench = new ChainBackendBench(harness)
  return [importCases, readCases, branchCases].flatMap((cases) => cases(bench))
}
