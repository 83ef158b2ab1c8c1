// The targets with those decoders that no package exports, from their sources, all of which Node.js alone does not run.
import { defineConfig } from 'rolldown'

export default defineConfig({
  input: { main: 'src/main.ts', worker: 'src/worker.ts' },
  platform: 'node',
  external: /[\\/](?:node_modules|dist)[\\/]/,
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    // Apart, so that the blocks of them that ran can be told from others.
    codeSplitting: { groups: [{ name: 'decoders', test: /[\\/](?:packages|apps)[\\/][a-z-]+[\\/]src[\\/]/ }] },
  },
})
