// Prints, as one JSON array, what `gridmesh` prints for each of the argument lists given as JSON. One process for all of
// them, since loading the command takes far longer than running it; a process of its own, since a terminal would wrap.
import { run } from '../../apps/node/dist/cli/run.js'

const print = process.stdout.write.bind(process.stdout)
const outputs = []
for (const args of JSON.parse(process.argv[2])) {
  let output = ''
  process.stdout.write = (text) => {
    output += text
    return true
  }
  await run(['node', 'gridmesh', ...args])
  process.stdout.write = print
  if ((process.exitCode ?? 0) !== 0) throw new Error(`gridmesh ${args.join(' ')} ended with ${process.exitCode}`)
  outputs.push(output)
}
print(JSON.stringify(outputs))
