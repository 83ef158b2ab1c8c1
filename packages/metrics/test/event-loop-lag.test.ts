import { expect, it } from 'vitest'
import { Buckets } from '../src/buckets.ts'
import { EventLoopLag, type LagMonitor } from '../src/event-loop-lag.ts'

/** A monitor that holds given samples, in ms between two timers. */
class FakeMonitor implements LagMonitor {
  samples: number[] = []
  isEnabled = false

  get count(): number {
    return this.samples.length
  }

  get mean(): number {
    return (this.samples.reduce((sum, sample) => sum + sample, 0) / this.samples.length) * 1e6
  }

  percentile(percentile: number): number {
    const rank = Math.max(1, Math.round((percentile / 100) * this.count))
    return (this.samples.toSorted((a, b) => a - b)[rank - 1] ?? 0) * 1e6
  }

  reset(): void {
    this.samples = []
  }

  enable(): void {
    this.isEnabled = true
  }

  disable(): void {
    this.isEnabled = false
  }
}

function started() {
  const monitors: FakeMonitor[] = []
  const buckets = new Buckets([0.001, 0.01, 0.1])
  const lag = new EventLoopLag(buckets, 10, () => {
    const monitor = new FakeMonitor()
    monitors.push(monitor)
    return monitor
  })
  lag.start()
  return { lag, buckets, monitors }
}

it('counts what a sample is above the resolution', () => {
  const { lag, buckets, monitors } = started()
  monitors[0]?.samples.push(10, 10.5, 12, 20, 60, 60, 1_010)
  lag.collect()

  expect(buckets.total().counts).toEqual([2, 2, 2, 1])
  expect(buckets.total().sum).toBeCloseTo(1.1125, 6)
})

it('counts a sample once, however often it is collected', () => {
  const { lag, buckets, monitors } = started()
  monitors[0]?.samples.push(15)
  lag.collect()
  lag.collect()

  expect(buckets.total().counts).toEqual([0, 1, 0, 0])
})

it('keeps what was sampled when it stops, and no monitor', () => {
  const { lag, buckets, monitors } = started()
  lag.start()
  expect(monitors).toHaveLength(1)

  monitors[0]?.samples.push(15)
  lag.stop()
  lag.stop()
  expect(buckets.total().counts).toEqual([0, 1, 0, 0])
  expect(monitors[0]?.isEnabled).toBe(false)

  lag.start()
  expect(monitors).toHaveLength(2)
  expect(monitors[1]?.isEnabled).toBe(true)
})
