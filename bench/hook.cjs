// A process in which pnpm would call the hook, and no TypeScript for the same reason as usage.cjs: `node hook.cjs PNPMFILE CONTEXT`.
'use strict'
const { readFileSync } = require('node:fs')

const [, , pnpmfile, file] = process.argv
// Without a context the pnpmfile is only evaluated, as for every command. Otherwise pnpm hands over what it has parsed.
const context = file === undefined ? undefined : JSON.parse(readFileSync(file, 'utf8'))
const start = process.hrtime.bigint()
const { hooks } = require(pnpmfile)
Promise.resolve(context && hooks.preResolution(context)).then(
  () => process.stdout.write(String(Number(process.hrtime.bigint() - start) / 1e6)),
  (error) => {
    process.stderr.write(String(error))
    process.exitCode = 1
  },
)
