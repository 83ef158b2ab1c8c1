import type { ConformanceCase } from '../case.ts'
import type { RateLimiterHarness } from './harness.ts'
import { inboundCases } from './inbound.ts'
import { outboundCases } from './outbound.ts'
import { RateLimiterBench } from './trial.ts'

/** What a `RateLimiter` must hold, as cases for any runner. @throws {RangeError} when `patienceMs` is not above 0 */
export function rateLimiterConformance(harness: RateLimiterHarness): ConformanceCase[] {
  const bench = new RateLimiterBench(harness)
  return [inboundCases, outboundCases].flatMap((cases) => cases(bench))
}
