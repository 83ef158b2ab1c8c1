/**
 * One scenario with 20 nodes, played at both levels of the simulator and by real processes over TCP, so that what the
 * simulator says can be held against what is.
 */
export { CRASH, LINK_MS, MESSAGES, NODES, authorOf, distances, goneAt, type Arrival } from './plan.ts'
export { real } from './real.ts'
export { simulated } from './simulated.ts'
