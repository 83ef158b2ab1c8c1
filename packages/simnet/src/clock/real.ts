/**
 * The real functions, taken when this package is loaded: the run loop needs them while everybody else is given
 * simulated ones.
 */
const realPerformance = globalThis.performance

export const realSetImmediate = globalThis.setImmediate
export const RealDate = globalThis.Date
export const realPerformanceNow: () => number = realPerformance.now.bind(realPerformance)
