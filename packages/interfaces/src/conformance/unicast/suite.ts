import type { ConformanceCase } from '../case.ts'
import { callCases } from './calls.ts'
import { failureCases } from './failures.ts'
import type { UnicastHarness } from './harness.ts'
import { payloadCases } from './payloads.ts'
import { streamCases } from './streams.ts'
import { UnicastBench } from './trial.ts'

/** What a `Unicast` must hold, as cases for any runner. @throws {RangeError} when `patienceMs` is not above 0 */
export function unicastConformance(harness: UnicastHarness): ConformanceCase[] {
  const bench = new UnicastBench(harness)
  return [callCases, failureCases, streamCases, payloadCases].flatMap((cases) => cases(bench))
}
