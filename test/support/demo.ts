/** `npm run demo`: what a user sees when real pnpm installs packages behind the gate. Leaves nothing behind. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { styleText } from 'node:util'
import { postinstallsRun, runPnpm } from './pnpm/index.ts'
import { digests, type PackedPackage } from './registry/index.ts'
import { POLICY, startWorld, type World } from './world.ts'

interface Scene {
  readonly title: string
  readonly passes: boolean
  /** Publishes what is about to be installed as `widget`. */
  readonly stage: (world: World) => Promise<unknown>
}

const widget = { name: 'widget', version: '1.1.0' }

const SCENES: readonly Scene[] = [
  {
    title: 'A package that its own repository built and published',
    passes: true,
    stage: (world) => world.publish(widget),
  },
  {
    title: 'No provenance: somebody published with a stolen token',
    passes: false,
    stage: async (world) => world.publishUnproven(widget),
  },
  {
    title: 'A tampered tarball: a mirror serves other bytes, and metadata that agree with them',
    passes: false,
    stage: async (world) => {
      const pkg = await world.publish(widget)
      const bytes = Buffer.concat([pkg.bytes, Buffer.alloc(512)])
      world.registry.setTarball(widget.name, widget.version, bytes)
      world.registry.setIntegrity(widget.name, widget.version, digests(bytes).integrity)
    },
  },
  {
    title: 'The right repository, but a workflow that must not publish',
    passes: false,
    stage: (world) =>
      world.publish(widget, {
        identity: { workflow: '.github/workflows/pull-request.yml', ref: 'refs/heads/fix-typo' },
      }),
  },
  {
    title: 'A stolen attestation: the one of version 1.0.0, served for 1.1.0',
    passes: false,
    stage: async (world) => {
      const old: PackedPackage = await world.publish({ ...widget, version: '1.0.0' })
      world.publishUnproven(widget)
      world.registry.setAttestations(widget.name, widget.version, await world.attest(old))
    },
  },
]

const world = await startWorld()
let surprises = 0
try {
  write(`The policy, .sigstorerc:\n${indent(POLICY.trim())}\n`)
  for (const [index, { title, passes, stage }] of SCENES.entries()) {
    world.registry.reset()
    await stage(world)
    const project = world.gatedProject({ dependencies: { [widget.name]: widget.version } })
    try {
      write(styleText('bold', `\n${index + 1}. ${title}\n`))
      write(`   $ pnpm install\n${indent(tidy((await runPnpm(12, ['install'], project)).output, project.root))}\n`)
      const installed = existsSync(path.join(project.dir, 'node_modules', widget.name))
      const ran = postinstallsRun(project).length > 0
      const asExpected = installed === passes && ran === passes
      if (!asExpected) surprises += 1
      const fate = installed ? 'installed' : 'not installed'
      write(
        styleText(
          asExpected ? 'green' : 'red',
          `   → ${widget.name} is ${fate}, its postinstall script ${ran ? 'ran' : 'never ran'}\n`,
        ),
      )
    } finally {
      project.dispose()
    }
  }
} finally {
  await world.close()
}
if (surprises > 0) {
  write(styleText('red', `\n${surprises} of ${SCENES.length} did not end as they should have.\n`))
  process.exitCode = 1
}

function write(text: string): void {
  process.stdout.write(text)
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '   | ')
}

/** Paths of this run's temporary folder say nothing to the reader. */
function tidy(output: string, root: string): string {
  return output.replaceAll(`${root}${path.sep}`, '').trim()
}
