import type { Played } from '@gridmesh/simnet/scenarios'
import { drawCharts, MAX_DRAWN_NODES } from './charts.ts'
import { type Job, replayCommand } from './job.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem;color:#222}
svg{max-width:100%;height:auto}table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1rem .2rem 0}
code{background:#f2f2f2;padding:.1rem .3rem}.bad{color:#b00}`

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function rows(played: Played): [string, string][] {
  const { deliveredRatio, p50Ms, p99Ms, virtualMs, wallMs, events, peakBytes, traceHash, violations } = played
  return [
    ['delivered', `${(100 * deliveredRatio).toFixed(2)} %`],
    ['delay, half of all', `${p50Ms.toFixed(1)} ms`],
    ['delay, 99 of 100', `${p99Ms.toFixed(1)} ms`],
    ['simulated time', `${(virtualMs / 1_000).toFixed(1)} s, in ${(wallMs / 1_000).toFixed(1)} s`],
    ['events', events.toLocaleString('en')],
    ['memory', `${Math.round(peakBytes / 2 ** 20).toLocaleString('en')} MiB`],
    ['trace', traceHash],
    ['laws that did not hold', String(violations.length)],
  ]
}

/** A run as one HTML page that needs nothing else. */
export function reportPage(job: Job, about: string, played: Played): string {
  const { delay, coverage, topology } = drawCharts(played)
  const figures = rows(played).map(([name, value]) => `<tr><th>${name}<td>${escape(value)}`)
  const broken = played.violations.map(({ atMs, invariant, message }) => {
    return `<li class="bad">${(atMs / 1_000).toFixed(1)} s, ${escape(invariant)}: ${escape(message)}`
  })
  const part = job.nodes > MAX_DRAWN_NODES ? ` Every ${Math.ceil(job.nodes / MAX_DRAWN_NODES)}th node is drawn.` : ''
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(job.scenario)}, ${job.nodes} nodes, seed ${job.seed}</title>
<style>${STYLE}</style>
<h1>${escape(job.scenario)}</h1>
<p>${escape(about)}: ${job.nodes} nodes, seed ${job.seed}, level ${job.level}.</p>
<p><code>${escape(replayCommand(job))}</code></p>
<table>${figures.join('')}</table>
${broken.length === 0 ? '' : `<h2>Broken laws</h2><ul>${broken.join('')}</ul>`}
<h2>Delay of deliveries</h2>${delay}
<h2>Coverage over time</h2>${coverage}
<h2>Topology at the end</h2><p>Circles are honest, triangles attack; pale ones are down.${part}</p>${topology}
</html>
`
}
