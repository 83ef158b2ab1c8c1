/**
 * @packageDocumentation
 *
 * Networks in which things go wrong, and what holds all the same. Each scenario is played with modules that a kit makes,
 * so that whatever keeps the contracts of `@gridmesh/interfaces` can be held to the same laws.
 *
 * The attacks are those of the Gossipsub v1.1 Evaluation Report (Vyzovitis et al., Protocol Labs, 2020): eclipse of a
 * single target, of the whole network and of all publishers, censorship, degradation, cold boot, covert flash and
 * colocation; and the flash attack of the paper that followed.
 */
import { bootstrapLoss } from './bootstrap-loss.ts'
import { censorship } from './censorship.ts'
import { churn } from './churn.ts'
import { clockSkew } from './clock-skew.ts'
import { coldBoot } from './cold-boot.ts'
import { covertFlash } from './covert-flash.ts'
import { crashTenth } from './crash-tenth.ts'
import { degradation } from './degradation.ts'
import { eclipsePublishers } from './eclipse-publishers.ts'
import { eclipse } from './eclipse.ts'
import { emergencyFlood } from './emergency-flood.ts'
import { flash } from './flash.ts'
import { fullEntries } from './full-entries.ts'
import { gossip } from './gossip.ts'
import { ipColocation } from './ip-colocation.ts'
import { lossyLinks } from './lossy-links.ts'
import { narrowLinks } from './narrow-links.ts'
import { massRestart } from './mass-restart.ts'
import { partitionThree } from './partition-three.ts'
import { partitionTwo } from './partition-two.ts'
import { rateLimitAbuse } from './rate-limit-abuse.ts'
import type { Scenario } from './scenario.ts'
import { slowMajority } from './slow-majority.ts'
import { sybil } from './sybil.ts'
import { treeChurn } from './tree-churn.ts'
import { treeWithheld } from './tree-withheld.ts'

/** Every scenario: faults first, then attacks. */
export const scenarios: readonly Scenario[] = [
  gossip,
  churn,
  bootstrapLoss,
  fullEntries,
  partitionTwo,
  partitionThree,
  emergencyFlood,
  slowMajority,
  rateLimitAbuse,
  lossyLinks,
  narrowLinks,
  crashTenth,
  massRestart,
  clockSkew,
  treeChurn,
  sybil,
  eclipse,
  eclipsePublishers,
  censorship,
  degradation,
  coldBoot,
  flash,
  covertFlash,
  ipColocation,
  treeWithheld,
]

export type { SimServices } from './app.ts'
export type { Observation } from './ledger.ts'
export { type Played, type PlayedNode, type PlayInit, playScenario } from './run-scenario.ts'
export type { Cast, Conduct, ModuleServices, NodeKit, NodeSettings, Scenario, Usage } from './scenario.ts'
