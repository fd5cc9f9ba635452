import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { stringify } from 'yaml'

const INTEGRITY = `sha512-${Buffer.alloc(64).toString('base64')}`
const MANIFEST = {
  name: 'project',
  version: '0.0.0',
  workspaces: ['packages/*'],
  dependencies: { widget: '1.0.0' },
}

interface ProjectFiles {
  /** What `run` starts. */
  readonly program: string
  readonly files: Readonly<Record<string, string>>
}

/** A project of each manager, with settings that name further files. @param registry its URL */
export function projectsFor(registry: string): Readonly<Record<string, ProjectFiles>> {
  const host = registry.replace('http:', '')
  const tarball = `${registry}widget/-/widget-1.0.0.tgz`
  const rc = (folder: string) =>
    `registry=${registry}\ncafile=${folder}ca.pem\n${host}:certfile=${folder}cert.pem\n${host}:keyfile=${folder}key.pem\n`
  const npm = {
    ...{ name: 'project', version: '0.0.0', lockfileVersion: 3 },
    packages: {
      '': MANIFEST,
      'node_modules/lib': { resolved: 'packages/lib', link: true },
      'packages/lib': { version: '1.0.0' },
      'node_modules/widget': { version: '1.0.0', resolved: tarball, integrity: INTEGRITY },
    },
  }
  return {
    pnpm: {
      program: 'pnpm',
      files: {
        'pnpm-lock.yaml': stringify({
          lockfileVersion: '9.0',
          importers: {
            '.': { dependencies: { widget: { specifier: '1.0.0', version: '1.0.0' } } },
            'packages/lib': {},
          },
          packages: { 'widget@1.0.0': { resolution: { integrity: INTEGRITY } } },
          snapshots: { 'widget@1.0.0': {} },
        }),
        'pnpm-workspace.yaml':
          'packages: [packages/*]\npatchedDependencies: { widget: patches/widget.patch }\npnpmfile: hooks.cjs\n',
        'patches/widget.patch': '',
        'hooks.cjs': '',
        '.pnpmfile.cjs': '',
        '.npmrc': rc(''),
      },
    },
    npm: { program: 'npm', files: { 'package-lock.json': JSON.stringify(npm), '.npmrc': rc('') } },
    'npm-shrinkwrap': { program: 'npm', files: { 'npm-shrinkwrap.json': JSON.stringify(npm), '.npmrc': '' } },
    'yarn 1': {
      program: 'yarn',
      files: {
        'yarn.lock': `# yarn lockfile v1\n\n\nwidget@1.0.0:\n  version "1.0.0"\n  resolved "${tarball}#${'0'.repeat(40)}"\n  integrity ${INTEGRITY}\n`,
        '.yarnrc': 'cafile "./ca.pem"\nyarn-path "./yarn.cjs"\n',
        '.npmrc': '',
        'yarn.cjs': '',
      },
    },
    'yarn 4': {
      program: 'yarn',
      files: {
        'yarn.lock': `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n"project@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "project@workspace:."\n  dependencies:\n    widget: "npm:1.0.0"\n  languageName: unknown\n  linkType: soft\n\n"widget@npm:1.0.0":\n  version: 1.0.0\n  resolution: "widget@npm:1.0.0"\n  checksum: 10c0/${'0'.repeat(128)}\n  languageName: node\n  linkType: hard\n`,
        '.yarnrc.yml': `npmRegistryServer: "${registry}"\nhttpsCaFilePath: ./ca.pem\nhttpsCertFilePath: ./cert.pem\nhttpsKeyFilePath: ./key.pem\nyarnPath: ./yarn.cjs\nplugins: [{ path: .yarn/plugins/x.cjs, spec: x }]\n`,
        '.yarn/plugins/x.cjs': '',
        'yarn.cjs': '',
      },
    },
    bun: {
      program: 'bun',
      files: {
        'bun.lock': JSON.stringify({
          lockfileVersion: 1,
          workspaces: { '': { name: 'project', dependencies: { widget: '1.0.0' } } },
          packages: { widget: ['widget@1.0.0', '', {}, INTEGRITY] },
        }),
        'bunfig.toml': `[install]\nregistry = "${registry}"\ncafile = "./ca.pem"\n`,
        '.npmrc': '',
      },
    },
  }
}

export const COMMON: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify(MANIFEST),
  'packages/lib/package.json': '{ "name": "lib", "version": "1.0.0" }',
  '.git/HEAD': 'ref: refs/heads/main\n',
  'ca.pem': '',
  'cert.pem': '',
  'key.pem': '',
  'shared.yaml': "rules: [{ packages: '**', require: provenance, unchanged: true, publisher: { repository: a/b } }]\n",
  'provenance-lock.yaml': 'version: 2\npackages: {}\n',
  'trust/other-keys.json': '{ "keys": [] }',
}

export const POLICY = `extends: ./shared.yaml
trust: { trustedRoot: trust/root.json, npmKeys: trust/keys.json, registries: { other: trust/other-keys.json } }
rules: [{ packages: none, require: nothing }]
`

export function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
