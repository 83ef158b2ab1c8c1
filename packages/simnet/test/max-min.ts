/** Exact max–min fair rates, by filling all flows evenly and fixing those of each port as it fills up. */
export function maxMinRates(flows: readonly (readonly [number, number])[], up: number, down: number): number[] {
  const rates = flows.map(() => 0)
  const open = new Set(flows.keys())
  while (open.size > 0) {
    const ports = new Map<string, { left: number; flows: number[] }>()
    for (const [at, [from, to]] of flows.entries()) {
      for (const [name, capacity] of [
        [`up ${from}`, up],
        [`down ${to}`, down],
      ] as const) {
        const port = ports.get(name) ?? { left: capacity, flows: [] }
        if (open.has(at)) port.flows.push(at)
        else port.left -= rates[at] ?? 0
        ports.set(name, port)
      }
    }
    const tightest = [...ports.values()]
      .filter((port) => port.flows.length > 0)
      .reduce((a, b) => (b.left / b.flows.length < a.left / a.flows.length ? b : a))
    for (const at of tightest.flows) {
      rates[at] = tightest.left / tightest.flows.length
      open.delete(at)
    }
  }
  return rates
}
