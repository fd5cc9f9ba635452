/** Judges packages that all projects need, each of which has a policy, in a heap that is bounded: `node judge-projects.ts PROJECTS PACKAGES`. */
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { decide, needsProof } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { packageName, projectFolder } from './workspaces.ts'

const [projects = 0, packages = 0] = process.argv.slice(2).map(Number)
const importers = Array.from({ length: projects }, (_, number) => projectFolder(number))
const own = (project: string) =>
  parsePolicy(`rules: [{ packages: "of-${project}", require: nothing }, { packages: "**", require: nothing }]`, project)
const policy = {
  ...parsePolicy('rules: [{ packages: "**", require: nothing }]', 'root'),
  projects: new Map(importers.map((project) => [project, own(project.replaceAll('/', '-'))])),
}
const entries = Array.from({ length: packages }, (_, number): LockedPackage => {
  const name = packageName(number)
  return {
    ...{ name, version: '1.0.0', integrity: undefined, source: 'registry', origin: undefined },
    ...{ importers, key: `${name}@1.0.0` },
  }
})
const verdicts = entries.map((pkg) => {
  if (needsProof(pkg, policy)) throw new Error('no rule asks for a proof')
  return decide(pkg, policy, undefined, new Date(0))
})
process.stdout.write(JSON.stringify(verdicts.filter(({ status }) => status === 'permitted').length))
