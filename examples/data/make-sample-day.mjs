// Makes sample-day.csv: what 200 meters in Thailand's seven regions measure in the 96 quarter-hours of one day.
// Not measured anywhere: shapes with stated formulas and a fixed seed, so that every run writes the same file.
//
//   node examples/data/make-sample-day.mjs > examples/data/sample-day.csv
//
// t is the hour of the interval's middle; noise is uniform in 1 ± 0.15, per meter and interval.
//   solar      peak kW 3…12 × max(0, sin(π (t − 6) / 12))^1.2 × cloud (one factor 0.6…1 a region)
//              and the household behind it consumes as below at 0.6 of the size
//   household  size kW 0.3…1.5 × (0.45 + 0.35 bump(t, 7, 1.5) + 1.0 bump(t, 20, 2.5) + 0.4 bump(t, 14, 3))
//   factory    size kW 20…120 × (0.25 + 0.75 on shift), a shift from 8 to 17 with ramps of half an hour
//   bump(t, at, width) = exp(−((t − at) / width)² / 2)
// Energy in Wh = kW × 1000 × ¼ h, rounded.

const REGIONS = ['north', 'northeast', 'central', 'east', 'west', 'south', 'bangkok']
const METERS = 200
const INTERVALS = 96

// mulberry32: small, seeded, good enough for a sample.
let state = 0x6d657368
function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}
const between = (low, high) => low + (high - low) * random()
const bump = (t, at, width) => Math.exp(-(((t - at) / width) ** 2) / 2)

const cloud = Object.fromEntries(REGIONS.map((region) => [region, between(0.6, 1)]))
const household = (t) => 0.45 + 0.35 * bump(t, 7, 1.5) + bump(t, 20, 2.5) + 0.4 * bump(t, 14, 3)
const onShift = (t) => Math.min(1, Math.max(0, (t - 7.75) * 2)) * Math.min(1, Math.max(0, (17.25 - t) * 2))
const sun = (t) => Math.max(0, Math.sin((Math.PI * (t - 6)) / 12)) ** 1.2

const SIZES = { solar: () => between(3, 12), household: () => between(0.3, 1.5), factory: () => between(20, 120) }
const productionKw = ({ kind, size, zone }, t) => (kind === 'solar' ? size * sun(t) * cloud[zone] : 0)
const consumptionKw = ({ kind, size, behind }, t) => {
  if (kind === 'factory') return size * (0.25 + 0.75 * onShift(t))
  return (kind === 'solar' ? behind : size) * household(t)
}

// Of ten meters: four with solar panels, five households, one factory.
const meters = Array.from({ length: METERS }, (_, index) => {
  const kind = index % 10 < 4 ? 'solar' : index % 10 < 9 ? 'household' : 'factory'
  const zone = REGIONS[Math.floor(index / 10) % REGIONS.length]
  const meter = `${zone}-${kind}-${String(index).padStart(3, '0')}`
  return { meter, kind, zone, size: SIZES[kind](), behind: 0.6 * between(0.3, 1.5) }
})

const lines = ['interval,meter,kind,zone,productionWh,consumptionWh']
for (let interval = 0; interval < INTERVALS; interval++) {
  const t = (interval + 0.5) / 4
  for (const meter of meters) {
    const wh = (kw) => Math.round(kw * 250 * between(0.85, 1.15))
    const values = [wh(productionKw(meter, t)), wh(consumptionKw(meter, t))]
    lines.push([interval, meter.meter, meter.kind, meter.zone, ...values].join(','))
  }
}
process.stdout.write(`${lines.join('\n')}\n`)
