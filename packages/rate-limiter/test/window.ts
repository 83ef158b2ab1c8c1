/** What passed, and when. */
export interface Pass {
  atMs: number
  messages: number
  bytes: number
  streams: number
}

/** Every window, of any length, that holds more than burst + rate × length, in words. */
export function excesses(
  passes: readonly Pass[],
  what: 'messages' | 'bytes' | 'streams',
  perSecond: number,
  burst: number,
  single: 'largest cost may exceed' | 'never above',
): string[] {
  const found: string[] = []
  for (let first = 0; first < passes.length; first += 1) {
    let sum = 0
    let largest = 0
    for (const pass of passes.slice(first)) {
      sum += pass[what]
      largest = Math.max(largest, pass[what])
      const windowMs = pass.atMs - (passes[first]?.atMs ?? 0)
      const atOnce = single === 'never above' ? burst : Math.max(burst, largest)
      const allowed = atOnce + (perSecond * windowMs) / 1_000
      // Only rounding of the sums is forgiven.
      if (sum > allowed * (1 + 1e-9)) found.push(`${sum} ${what} in ${windowMs} ms, ${allowed} allowed`)
    }
  }
  return found
}
