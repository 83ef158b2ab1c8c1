import type { ConformanceCase } from '../case.ts'
import { banCases } from './bans.ts'
import type { PeerManagerHarness } from './harness.ts'
import { rankingCases } from './ranking.ts'
import { recordCases } from './records.ts'
import { reportCases } from './reports.ts'
import { stateCases } from './states.ts'
import { PeerManagerBench } from './trial.ts'

/** What a `PeerManager` must hold, as cases for any runner. @throws {RangeError} when `patienceMs` is not above 0 */
export function peerManagerConformance(harness: PeerManagerHarness): ConformanceCase[] {
  const bench = new PeerManagerBench(harness)
  return [stateCases, recordCases, rankingCases, reportCases, banCases].flatMap((cases) => cases(bench))
}
