import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { loadPolicy } from '../../src/policy/load.ts'
import { folderWith, messageOf as messageFrom } from './support.ts'

const OWN = 'rules: [{ packages: a, require: nothing }]\n'
const SHARED = 'rules: [{ packages: b, require: provenance, publisher: { repository: acme/b } }]\n'

const patterns = async (folder: string) => (await loadPolicy({ folder })).rules.flatMap(({ packages }) => packages)

const messageOf = (folder: string) => messageFrom(folder, () => loadPolicy({ folder }))

describe('a policy that extends others', () => {
  it('has their rules after its own, in their order', async (t) => {
    const folder = folderWith(t, {
      '.sigstorerc': `extends: [./one.yaml, ./deep/two.yaml]\n${OWN}`,
      'one.yaml': SHARED,
      'deep/two.yaml': `extends: ../three.json\n${SHARED.replace(' b,', ' c,')}`,
      'three.json': '{"rules": [{"packages": "d", "require": "nothing"}]}',
    })
    assert.deepEqual(await patterns(folder), ['a', 'b', 'c', 'd'])
  })

  it('places each rule in its own file', async (t) => {
    const folder = folderWith(t, { '.sigstorerc': `extends: ./one.yaml\n${OWN}`, 'one.yaml': `# shared\n${SHARED}` })
    const { rules } = await loadPolicy({ folder })
    assert.deepEqual(
      rules.map(({ place }) => [path.basename(place.file), place.line]),
      [
        ['.sigstorerc', 2],
        ['one.yaml', 2],
      ],
    )
  })

  it('has a shared policy once, however many extend it', async (t) => {
    const folder = folderWith(t, {
      '.sigstorerc': `extends: [./one.yaml, ./two.yaml, ./base.yaml, ./base.yaml]\n${OWN}`,
      'one.yaml': `extends: ./base.yaml\n${SHARED}`,
      'two.yaml': `extends: ./base.yaml\n${SHARED.replace(' b,', ' c,')}`,
      'base.yaml': SHARED.replace(' b,', ' d,'),
    })
    assert.deepEqual(await patterns(folder), ['a', 'b', 'd', 'c'])
  })

  it('reads each file once, where eighteen each extend the next twice', async (t) => {
    const files = Array.from({ length: 18 }, (_, i) => [
      `p${i}.yaml`,
      `extends: [./p${i + 1}.yaml, ./p${i + 1}.yaml]\n${OWN.replace(' a,', ` a${i},`)}`,
    ])
    const folder = folderWith(t, {
      '.sigstorerc': `extends: ./p0.yaml\n${OWN}`,
      ...Object.fromEntries(files),
      'p18.yaml': SHARED,
    })
    assert.equal((await patterns(folder)).length, 20)
  })

  it('refuses two publishers of one name in two of them, and takes one that both have from a third', async (t) => {
    const named = (repository: string) => `publishers: { acme: { repository: ${repository} } }\n`
    const folder = folderWith(t, {
      '.sigstorerc': `extends: [./one.yaml, ./two.yaml]\n${OWN}`,
      'one.yaml': named('acme/a') + SHARED,
      'two.yaml': named('acme/b') + SHARED.replace(' b,', ' c,'),
    })
    assert.equal(
      await messageOf(folder),
      '~/.sigstorerc:1:10: "acme" is the name of one publisher in ~/one.yaml and of another in ~/two.yaml: rename one',
    )
    const both = folderWith(t, {
      '.sigstorerc': `extends: [./one.yaml, ./two.yaml]\n${OWN}`,
      'one.yaml': `extends: ./third.yaml\n${SHARED}`,
      'two.yaml': `extends: ./third.yaml\n${SHARED.replace(' b,', ' c,')}`,
      'third.yaml': named('acme/a') + SHARED.replace(' b,', ' d,'),
    })
    assert.equal(await messageOf(both), 'accepted')
  })

  it('finds files of installed packages, config dependencies first', async (t) => {
    const folder = folderWith(t, {
      '.sigstorerc': `extends: ['@acme/policy/rc.yaml', other/rc.yaml]\n${OWN}`,
      'node_modules/.pnpm-config/@acme/policy/rc.yaml': SHARED,
      'node_modules/@acme/policy/rc.yaml': SHARED.replace(' b,', ' evil,'),
      'node_modules/other/rc.yaml': SHARED.replace(' b,', ' c,'),
    })
    assert.deepEqual(await patterns(folder), ['a', 'b', 'c'])
  })

  it('may refer to their publishers, and has their exceptions', async (t) => {
    const folder = folderWith(t, {
      '.sigstorerc': `extends: ./one.yaml
exceptions: [{ package: a@1.0.0, reason: own, expires: '2027-01-01' }]
rules: [{ packages: a, require: provenance, publisher: acme }]
`,
      'one.yaml': `publishers: { acme: { repository: acme/a } }
exceptions: [{ package: b@1.0.0, reason: shared, expires: '2027-01-01' }]
${SHARED}`,
    })
    const { rules, exceptions } = await loadPolicy({ folder })
    assert.equal(rules[0]?.publishers[0]?.repository, 'https://github.com/acme/a')
    assert.deepEqual(
      exceptions.map(({ reason }) => reason),
      ['own', 'shared'],
    )
  })

  it('takes their mirror where it names none, of the first that has one', async (t) => {
    const mirror = (host: string) => `attestations: https://${host}/{name}@{version}.json\n`
    const files = {
      'one.yaml': SHARED,
      'two.yaml': mirror('two.example') + SHARED.replace(' b,', ' c,'),
      'three.yaml': mirror('three.example') + SHARED.replace(' b,', ' d,'),
    }
    const all = 'extends: [./one.yaml, ./two.yaml, ./three.yaml]\n'
    const urlOf = async (own: string) =>
      (await loadPolicy({ folder: folderWith(t, { ...files, '.sigstorerc': own + OWN }) })).attestations?.url
    assert.equal(await urlOf(all), 'https://two.example/{name}@{version}.json')
    assert.equal(await urlOf(all + mirror('own.example')), 'https://own.example/{name}@{version}.json')
    assert.equal(await urlOf('extends: ./one.yaml\n'), undefined)
  })

  it('takes their trust files where it names none, from where they are', async (t) => {
    const folder = folderWith(t, {
      '.sigstorerc': `extends: ./deep/one.yaml\ntrust: { npmKeys: keys.json }\n${OWN}`,
      'deep/one.yaml': `trust: { trustedRoot: root.json, npmKeys: other.json }\n${SHARED}`,
      'deep/root.json': '{}',
      'keys.json': '{}',
    })
    assert.deepEqual((await loadPolicy({ folder })).trust, {
      trustedRoot: path.join(folder, 'deep/root.json'),
      npmKeys: path.join(folder, 'keys.json'),
    })
  })

  it('does not make their rules warn, nor do they make its own warn', async (t) => {
    const modes = async (own: string, shared: string) => {
      const folder = folderWith(t, {
        '.sigstorerc': `${own}extends: ./one.yaml\nrules: [{ packages: a, require: signature }]\n`,
        'one.yaml': `${shared}${SHARED}`,
      })
      const { rules, enforcement } = await loadPolicy({ folder })
      return [...rules.map((rule) => rule.enforcement.mode), enforcement.mode]
    }
    assert.deepEqual(await modes('mode: warn\n', ''), ['warn', 'enforce', 'warn'])
    assert.deepEqual(await modes('', 'mode: warn\n'), ['enforce', 'warn', 'enforce'])
  })

  it('needs the identity lock for a shared rule, too', async (t) => {
    const files = {
      '.sigstorerc': `extends: ./one.yaml\n${OWN}`,
      'one.yaml': 'rules: [{ packages: b, require: nothing, unchanged: true }]\n',
    }
    assert.match(await messageOf(folderWith(t, files)), /~\/provenance-lock\.yaml: there is no such file/)
    const folder = folderWith(t, { ...files, 'provenance-lock.yaml': 'version: 2\npackages: {}\n' })
    assert.equal((await loadPolicy({ folder })).identities?.size, 0)
  })

  const mistakes: readonly (readonly [string, string, Readonly<Record<string, string>>, RegExp])[] = [
    [
      'a file that is not there',
      './no.yaml',
      {},
      /^~\/\.sigstorerc:1:10: "\.\/no\.yaml": there is no such shared policy\. Correct the path$/,
    ],
    [
      'a package that is not installed',
      'acme/rc.yaml',
      {},
      /there is no such shared policy\. Packages are looked for in node_modules.*pnpm add --config/,
    ],
    [
      'a program',
      './one.cjs',
      { 'one.cjs': 'throw new Error("executed")' },
      /^~\/one\.cjs: a policy that is a program is refused/,
    ],
    ['a folder', './one', { 'one/x': '' }, /a directory, where the policy should be a file/],
    ['an empty file', './one.yaml', { 'one.yaml': '' }, /^~\/one\.yaml:1:1: the policy is empty/],
    [
      'a mistake in it',
      './one.yaml',
      { 'one.yaml': SHARED.replace('require', 'requires') },
      /^~\/one\.yaml:1:\d+: .*"require"/,
    ],
    ['itself', './.sigstorerc', {}, /^~\/\.sigstorerc:1:10: "\.\/\.sigstorerc" leads back to ~\/\.sigstorerc/],
    [
      'a circle',
      './one.yaml',
      { 'one.yaml': `extends: ./.sigstorerc\n${SHARED}` },
      /^~\/one\.yaml:1:10: "\.\/\.sigstorerc" leads back to/,
    ],
    ['a URL', 'https://host/policy.yaml', {}, /is a URL: a policy takes no rules from the network/],
    ['an absolute path', '/etc/policy.yaml', {}, /is not a shared policy/],
    ['a bare name', 'policy', {}, /is not a shared policy/],
    ['a way out of a package', 'acme/../../evil.yaml', {}, /leads out of its package/],
    ['a Windows path', '.\\one.yaml', {}, /is not a shared policy/],
  ]
  for (const [what, spec, files, message] of mistakes) {
    it(`is an error with ${what}`, async (t) => {
      assert.match(await messageOf(folderWith(t, { '.sigstorerc': `extends: ${spec}\n${OWN}`, ...files })), message)
    })
  }

  it('is an error with a publisher of a name that is taken', async (t) => {
    const folder = folderWith(t, {
      '.sigstorerc': `extends: ./one.yaml\npublishers: { acme: { repository: evil/x } }\n${OWN}`,
      'one.yaml': `publishers: { acme: { repository: acme/a } }\n${SHARED}`,
    })
    assert.match(
      await messageOf(folder),
      /^~\/\.sigstorerc:2:15: "acme" is the name of a publisher in ~\/one\.yaml already/,
    )
  })
})
