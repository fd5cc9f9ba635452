/** The files that yarn 4 runs because a `.yarnrc.yml` names them: what it makes of each, and which of them the gate refuses. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { parsePolicy } from '../../src/policy/parse.ts'
import { checkSettings } from '../../src/settings.ts'
import { serveFolder } from '../cli/static-server.ts'
import { folderWith, messageOf } from '../policy/support.ts'
import { createManagerProject, runManager } from '../support/managers/index.ts'

const PLUGIN = 'p.cjs'
const OWN = '.yarn/plugins/@yarnpkg/plugin-own.cjs'

/** A plugin, or a program, that leaves a file when it is loaded. */
const pluginAt = (marker: string) =>
  `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')\nmodule.exports = {name: '@yarnpkg/plugin-own', factory: () => ({})}\n`

interface Case {
  readonly settings: string
  readonly files?: Readonly<Record<string, 'plugin' | 'folder' | 'link outside' | 'link to nothing'>>
  /** Whether code runs that these settings name. */
  readonly runs: boolean
  /** Undefined where the gate lets it pass. */
  readonly refused?: RegExp
}

/** @param url a server that has the plugin @param outside a folder that is not in the repository, and has it too */
const cases = (url: string, outside: string): Readonly<Record<string, Case>> => {
  const THERE = { [OWN]: 'plugin' } as const
  const absent = new RegExp(`\\.yarnrc\\.yml:\\d "plugins" = "${OWN}": is a file that is not there`)
  const form = /"plugins" = \[…\]: has another value than a list of relative paths/
  const item = (spec: string) => `plugins:\n  - path: ${OWN}\n    spec: ${spec}\n`
  return {
    'a path': { settings: `plugins: [${OWN}]\n`, files: THERE, runs: true },
    'a path with a spec of yarn': { settings: item('"@yarnpkg/plugin-own"'), files: THERE, runs: true },
    'a path with a URL': { settings: item(`${url}${PLUGIN}`), files: THERE, runs: true },
    'a path with a URL and a wrong checksum': {
      settings: `${item(`${url}${PLUGIN}`)}    checksum: abc\n`,
      files: THERE,
      runs: true,
    },
    'no plugins': { settings: 'plugins: []\n', runs: false },
    'plugins without a value': { settings: 'plugins:\n', runs: false },
    'a built-in plugin that is not there': { settings: item('"@yarnpkg/plugin-typescript"'), runs: false },
    'a plugin of yarn that is not there': { settings: item('"@yarnpkg/plugin-own"'), runs: false },
    'a URL whose file is not there': { settings: item(`${url}${PLUGIN}`), runs: true, refused: absent },
    'a URL whose file is a link to nothing': {
      settings: item(`${url}${PLUGIN}`),
      files: { [OWN]: 'link to nothing' },
      runs: true,
      refused: absent,
    },
    'a path that is not there': { settings: `plugins: [${OWN}]\n`, runs: false, refused: absent },
    'a word that is not there': { settings: item('own'), runs: false, refused: absent },
    'a path outside': { settings: `plugins: [${outside}/${PLUGIN}]\n`, runs: true, refused: form },
    'a path above': { settings: `plugins: [../${PLUGIN}]\n`, runs: false, refused: form },
    'a map with a path outside': {
      settings: `plugins: [{path: ${outside}/${PLUGIN}, spec: "@yarnpkg/plugin-own"}]\n`,
      runs: true,
      refused: form,
    },
    'a map without a path': { settings: `plugins: [{spec: "${url}${PLUGIN}"}]\n`, runs: false, refused: form },
    'a map with another key': {
      settings: `plugins: [{path: ${OWN}, url: x}]\n`,
      files: THERE,
      runs: true,
      refused: form,
    },
    'a link that leaves the repository': {
      settings: `plugins: [${OWN}]\n`,
      files: { [OWN]: 'link outside' },
      runs: true,
      refused: /is a link that leaves its folder \(yarn 4\)/,
    },
    'a folder': {
      settings: item(`${url}${PLUGIN}`),
      files: { [OWN]: 'folder' },
      runs: false,
      refused: /is no regular file/,
    },
    'yarnPath that is there': { settings: `yarnPath: ${OWN}\n`, files: THERE, runs: true },
    'yarnPath that is not there': { settings: `yarnPath: ${OWN}\n`, runs: false },
    'yarnPath that is a link that leaves the repository': {
      settings: `yarnPath: ${OWN}\n`,
      files: { [OWN]: 'link outside' },
      runs: true,
      refused: /"yarnPath" = .*: is a link that leaves its folder/,
    },
  }
}

/** Settings of the project's folder, and of the one above. */
for (const above of ['', 'above/']) {
  describe(`what yarn 4 runs by the settings ${above === '' ? 'of the project' : 'of the folder above'}`, () => {
    for (const name of Object.keys(cases('', ''))) {
      it(`is refused, or is a file of the repository: ${name}`, async (t) => {
        const { each, project, root, isLoaded, requests } = await stage(t, name, above)
        const isYarnPath = each.settings.startsWith('yarnPath')
        if (isYarnPath) delete project.env.YARN_IGNORE_PATH
        const message = await messageOf(root, () => check(root))
        if (each.refused === undefined) assert.equal(message, 'accepted')
        else assert.match(message, each.refused)

        const { status, output } = await runManager('yarn4', ['config', 'get', 'nodeLinker'], {
          cwd: project.dir,
          env: project.env,
        })
        assert.equal(isLoaded(), each.runs, output)
        if (message === 'accepted') assert.equal(requests.length, 0)
        if (/yarnPath that is not there|not there$/.test(name) && each.runs === false)
          assert.equal(status === 0, name.startsWith('a built-in'), output)
      })
    }
  })
}

async function stage(t: TestContext, name: string, above: string) {
  const marker = path.join(folderWith(t, {}), 'loaded')
  const outside = folderWith(t, { [PLUGIN]: pluginAt(marker) })
  const { url, requests } = await serveFolder(t, outside)
  const each = cases(url, outside)[name]
  assert.ok(each !== undefined)
  const made = createManagerProject({ registry: url, files: { '.git/HEAD': '', 'app/yarn.lock': '' } })
  t.after(() => made.dispose())
  const root = above === '' ? made.dir : path.join(made.dir, 'app')
  made.write({
    '.yarnrc.yml': `unsafeHttpWhitelist: ["127.0.0.1"]\n${each.settings}`,
    'yarn.lock': '',
    'app/package.json': '{"name":"app"}',
  })
  for (const [file, kind] of Object.entries(each.files ?? {})) {
    const place = path.join(made.dir, file)
    mkdirSync(path.dirname(place), { recursive: true })
    if (kind === 'plugin') writeFileSync(place, pluginAt(marker))
    else if (kind === 'folder') mkdirSync(place)
    else symlinkSync(kind === 'link outside' ? path.join(outside, PLUGIN) : path.join(made.dir, 'nothing'), place)
  }
  return {
    each,
    root,
    requests,
    project: { dir: root, env: { ...made.env } as Record<string, string> },
    isLoaded: () => existsSync(marker),
  }
}

function check(root: string): Promise<void> {
  return checkSettings({
    manager: 'berry',
    root,
    projects: ['.'],
    policy: parsePolicy("rules: [{packages: '**', require: nothing}]\n", 'policy'),
    once: async (_, __, derive) => derive(),
    now: new Date(),
  })
}
