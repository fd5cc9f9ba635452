/**
 * A pull request may name who vouches for hosts, and who passes requests on. With both it could read the tokens that the
 * user's files have for registries, and GitHub's: none of them goes a way that the repository has chosen.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { LIMITS, openClient } from '../../src/evidence/client.ts'
import { isSafeRoad } from '../../src/evidence/files.ts'
import { readSettingsFor, type SettingsOf } from '../../src/evidence/settings-for.ts'
import { serve } from './support.ts'

const HTTPS = new URL('https://host.example/')
const HTTP = new URL('http://host.example/')

function optionsOf(t: TestContext, manager: SettingsOf, files: Readonly<Record<string, string>>, env = {}) {
  const root = mkdtempSync(join(tmpdir(), 'road-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return readSettingsFor(manager, join(root, 'project'), { env, home: join(root, 'home'), platform: 'linux' }).options
}

const RC: readonly SettingsOf[] = ['pnpm', 'npm', 'yarn', 'bun', 'deno']
const SPELLINGS: readonly (readonly [readonly SettingsOf[], string, string, string])[] = [
  [RC, '.npmrc', 'cafile=ca.pem', 'https-proxy=http://evil.example'],
  [RC, '.npmrc', 'ca=PEM', 'proxy=http://evil.example'],
  [RC, '.npmrc', 'ca[]=PEM', 'http-proxy=http://evil.example'],
  [RC, '.npmrc', 'strict-ssl=false', 'http-proxy=http://evil.example'],
  [RC, '.npmrc', 'strict-ssl=0', 'tls-of-the-repository=false\nproxy-of-the-repository=\nproxy=http://evil.example'],
  [['yarn'], '.yarnrc', 'strict-ssl false', 'https-proxy "http://evil.example"'],
  [['yarn'], '.yarnrc', 'cafile "./ca.pem"', 'proxy "http://evil.example"'],
  [['pnpm'], 'pnpm-workspace.yaml', 'strictSsl: false', 'httpsProxy: http://evil.example'],
  [['berry'], '.yarnrc.yml', 'enableStrictSsl: false', 'httpsProxy: http://evil.example'],
  [['berry'], '.yarnrc.yml', 'httpsCaFilePath: ca.pem', 'httpProxy: http://evil.example'],
  [
    ['berry'],
    '.yarnrc.yml',
    'networkSettings: { "*": { httpsCaFilePath: ca.pem } }',
    'networkSettings: { "*.example": { httpsProxy: "http://evil.example" } }',
  ],
]

describe('the way that a repository chooses', () => {
  for (const [managers, file, tls, proxy] of SPELLINGS) {
    for (const manager of managers) {
      it(`is none for secrets: ${manager}, ${file}: ${tls.split('\n')[0]}; ${proxy.split('\n')[0]}`, (t) => {
        const safe = (files: Readonly<Record<string, string>>) => {
          const options = optionsOf(t, manager, files)
          return [isSafeRoad(HTTPS, options), isSafeRoad(HTTP, options)]
        }
        assert.deepEqual(safe({ [`project/${file}`]: tls }), [false, false])
        if (file === '.npmrc' || file === '.yarnrc') {
          assert.deepEqual(safe({ [`project/${file}`]: `${tls}\n${proxy}` }), [false, false])
        }
        assert.deepEqual(safe({ [`project/${file}`]: proxy }), [true, false])
        // The user's own.
        if (file !== 'pnpm-workspace.yaml') assert.deepEqual(safe({ [`home/${file}`]: `${tls}` }), [true, true])
      })
    }
  }

  it('is none for secrets where two files say a part of it each', (t) => {
    for (const [manager, files] of [
      ['pnpm', { '.npmrc': 'strict-ssl=false', 'pnpm-workspace.yaml': 'httpsProxy: http://evil.example' }],
      ['yarn', { '.npmrc': 'proxy=http://evil.example', '.yarnrc': 'strict-ssl false' }],
      ['bun', { 'bunfig.toml': '[install]\ncafile = "ca.pem"' }],
    ] as const) {
      const own = Object.fromEntries(Object.entries(files).map(([name, text]) => [`project/${name}`, text]))
      assert.equal(isSafeRoad(HTTPS, optionsOf(t, manager, own)), false, manager)
    }
  })

  it('is safe where it names nothing of the kind', (t) => {
    for (const manager of [...RC, 'berry'] as const) {
      const options = optionsOf(t, manager, {
        'project/.npmrc': 'registry=https://a.example/\nstrict-ssl=true',
        'project/.yarnrc.yml': 'npmRegistryServer: https://a.example\nenableStrictSsl: true',
        'home/.npmrc': 'cafile=ca.pem\nhttps-proxy=http://mine.example',
      })
      assert.deepEqual([isSafeRoad(HTTPS, options), isSafeRoad(HTTP, options)], [true, true], manager)
    }
  })

  it('is gone without any token, be it for a registry or for GitHub', async (t) => {
    const server = await serve(t, (_, response) => response.end('{}'))
    const url = new URL(server.url)
    const secret = (key: string) => ({ [`//${url.host}/:${key}`]: 'SECRET' })
    const expected = 'x'
    for (const [files, isSent] of [
      [{}, true],
      [{ 'project/.npmrc': 'strict-ssl=false' }, false],
    ] as const) {
      const options = { ...optionsOf(t, 'npm', files), ...secret('_authToken') }
      const client = openClient(options, LIMITS)
      for (const authorization of [undefined, 'Bearer SECRET']) {
        const before = server.requests.length
        assert.equal((await client({ url, name: 'a', none: 'none', expected, authorization })).ok, true)
        assert.equal(server.requests[before]?.headers.authorization, isSent ? 'Bearer SECRET' : undefined)
      }
    }
  })
})
