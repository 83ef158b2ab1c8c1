import type { ConformanceCase } from '../case.ts'
import { deliveryCases } from './deliveries.ts'
import type { BroadcastHarness } from './harness.ts'
import { payloadCases } from './payloads.ts'
import { reachCases } from './reach.ts'
import { topicCases } from './topics.ts'
import { BroadcastBench } from './trial.ts'
import { verdictCases } from './verdicts.ts'

/** What a `Broadcast` must hold, as cases for any runner. @throws {RangeError} when `patienceMs` is not above 0 */
export function broadcastConformance(harness: BroadcastHarness): ConformanceCase[] {
  const bench = new BroadcastBench(harness)
  return [reachCases, verdictCases, deliveryCases, topicCases, payloadCases].flatMap((cases) => cases(bench))
}
