import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { judgeInstalled } from '../../src/receipt/judged.ts'
import {
  asReceipt,
  digestOf,
  hasLoadedGate,
  isAllNew,
  isLeftBy,
  isSoundBase,
  judgedFrom,
  openJudged,
  receiptProblems,
  union,
} from '../../src/receipt/receipt.ts'
import type { InstalledEntry, ModulesState, Receipt } from '../../src/receipt/types.ts'

const T = Date.parse('2026-05-01T12:00:00Z')
const NOW = new Date(T + 60_000)
const EMPTY: ModulesState = { isEmpty: true, marks: {}, notedAt: 0 }

function state(changedAt: number, more: Partial<ModulesState> = {}): ModulesState {
  const marks = { '.pnpm/lock.yaml': { changedAt, size: 100 } }
  return { isEmpty: false, folder: { inode: '7', bornAt: T - 1_000 }, marks, notedAt: changedAt, ...more }
}

function receipt(more: Partial<Receipt> = {}): Receipt {
  return {
    form: 1,
    folder: '/project',
    manager: { name: 'pnpm', version: '11.28.11' },
    gate: '0.1.0',
    judgedAt: T,
    policy: 'p',
    lockfile: 'l',
    judged: [],
    isWhole: true,
    projects: [],
    loadedBy: [],
    keepsFolder: false,
    before: EMPTY,
    ...more,
  }
}

function locked(more: Partial<LockedPackage> = {}): LockedPackage {
  const own = {
    name: 'widget',
    version: '1.0.0',
    integrity: 'sha512-A',
    source: 'registry',
    origin: undefined,
  } as const
  return { ...own, importers: ['.'], key: 'widget@1.0.0', ...more }
}

describe('a node_modules and the receipt of an install whose end is known', () => {
  const after = state(T + 10)
  const one = receipt({ after, endedAt: T + 20 })

  test('belong together where nothing has changed', () => {
    assert.ok(isLeftBy(one, after))
    assert.deepEqual(receiptProblems(one, '/project', after, 'p', NOW), [])
  })

  const OTHERS: Readonly<Record<string, ModulesState>> = {
    'something was linked since': state(T + 500),
    'something was linked before, by another install': state(T + 9),
    'the note is of another size': state(T + 10, { marks: { '.pnpm/lock.yaml': { changedAt: T + 10, size: 101 } } }),
    'the note is gone': state(T + 10, { marks: {} }),
    'another package manager has noted something': state(T + 10, {
      marks: { ...after.marks, '.package-lock.json': { changedAt: T, size: 1 } },
    }),
    'the folder is a copy': state(T + 10, { folder: { inode: '8', bornAt: T - 1_000 } }),
    'the folder is another one with the same inode': state(T + 10, { folder: { inode: '7', bornAt: T } }),
    'there is none': EMPTY,
  }
  for (const [what, now] of Object.entries(OTHERS)) {
    test(`do not belong together where ${what}`, () => {
      assert.ok(!isLeftBy(one, now))
      const [problem] = receiptProblems(one, '/project', now, 'p', NOW)
      assert.match(problem?.found ?? '', /changed or replaced/)
    })
  }
})

describe('a node_modules and the receipt of an install whose end is not known', () => {
  const before = state(T - 100)
  const one = receipt({ before, keepsFolder: true, loadedBy: ['/project/.pnpmfile.cjs', '/gate/pnpmfile.cjs'] })
  const noted = { pnpmfiles: ['/project/.pnpmfile.cjs'] }

  test('belong together where all was linked since, or nothing was', () => {
    assert.ok(isLeftBy(one, state(T + 5, noted)))
    assert.ok(isLeftBy(one, state(T - 100, noted)))
    assert.ok(isLeftBy(one, state(T + 5)), 'killed before pnpm noted which pnpmfiles it has loaded')
  })

  test('do not where something was linked before judging began', () => {
    assert.ok(!isLeftBy(one, state(T - 50, noted)))
  })

  test('do not where the folder is another one, and the package manager makes none', () => {
    const other = { ...noted, folder: { inode: '8', bornAt: T + 1 } }
    assert.ok(!isLeftBy(one, state(T + 5, other)))
    assert.ok(isLeftBy({ ...one, keepsFolder: false }, state(T + 5, other)))
    assert.ok(!isLeftBy({ ...one, keepsFolder: false }, state(T + 5, { folder: { inode: '8', bornAt: T - 500 } })))
  })

  test('do not where pnpm has loaded no pnpmfile, or another one', () => {
    for (const pnpmfiles of [[], ['/project/.pnpmfile.mjs'], ['/project/other.cjs']]) {
      const now = state(T + 5, { pnpmfiles })
      assert.ok(!isLeftBy(one, now), String(pnpmfiles))
      assert.match(receiptProblems(one, '/project', now, 'p', NOW)[0]?.found ?? '', /pnpm has loaded/)
    }
  })

  test('do where the gate is a config dependency, of whichever version, or a module of the newer kind has loaded it', () => {
    const plugin = '/project/node_modules/.pnpm-config/pnpm-plugin-provenance-gate/pnpmfile.cjs'
    assert.ok(hasLoadedGate(one, state(T, { pnpmfiles: [plugin] })))
    assert.ok(!hasLoadedGate(one, state(T, { pnpmfiles: ['/x/pnpm-plugin-provenance-gate-not/pnpmfile.cjs'] })))
    const alone = { ...one, loadedBy: ['/gate/pnpmfile.cjs'] }
    assert.ok(hasLoadedGate(alone, state(T, { pnpmfiles: ['/project/.pnpmfile.mjs'] })))
  })
})

describe('what an install may build on', () => {
  test('is nothing, or what an install under the gate has left', () => {
    assert.ok(isSoundBase(undefined, EMPTY))
    assert.ok(isSoundBase(receipt({ after: state(T) }), state(T)))
  })

  test('is nothing that was there without a receipt, whatever it is', () => {
    assert.ok(!isSoundBase(undefined, state(T)))
    assert.ok(!isSoundBase(undefined, state(T, { marks: {} })), 'a committed node_modules notes nothing')
  })

  test('is nothing that was changed since, or that an earlier install has built on what nobody judged', () => {
    assert.ok(!isSoundBase(receipt({ after: state(T) }), state(T + 1)))
    assert.ok(!isSoundBase(receipt({ after: state(T), isWhole: false }), state(T)))
  })

  test('is all that a command has emptied first, if it has noted all of it anew', () => {
    assert.ok(isAllNew(state(T + 1), T))
    assert.ok(!isAllNew(state(T - 1_000), T))
    assert.ok(!isAllNew(state(T + 1, { marks: {} }), T), 'a command that does nothing notes nothing')
  })
})

describe('a receipt', () => {
  const after = state(T + 10)
  const sound = receipt({ after })
  const CASES: Readonly<Record<string, readonly [Receipt | undefined, RegExp]>> = {
    'that is not there': [undefined, /no receipt/],
    'of another policy': [{ ...sound, policy: 'q' }, /another policy/],
    'from the future': [{ ...sound, judgedAt: NOW.getTime() + 301_000 }, /in the future/],
    'of an install on top of what nobody judged': [{ ...sound, isWhole: false }, /in place before the gate/],
  }
  for (const [what, [one, found]] of Object.entries(CASES)) {
    test(`${what} does not do`, () => {
      const [problem] = receiptProblems(one, '/project', after, 'p', NOW)
      assert.match(problem?.found ?? '', found)
    })
  }

  test('is good on a clock that was set back by some minutes', () => {
    assert.deepEqual(receiptProblems({ ...sound, judgedAt: NOW.getTime() + 299_000 }, '/project', after, 'p', NOW), [])
  })

  test('of another form is none', () => {
    for (const value of [undefined, null, 1, 'x', [], {}, { form: 2 }, { form: '1' }])
      assert.equal(asReceipt(value), undefined)
  })
})

describe('what was judged', () => {
  test('does not depend on order, nor on who needs it', () => {
    const [a, b] = [locked(), locked({ name: 'part', integrity: 'sha512-B', importers: ['x'] })]
    assert.equal(digestOf(judgedFrom([a, b])), digestOf(judgedFrom([{ ...b, importers: ['.', 'y'] }, a, a])))
    assert.notEqual(digestOf(judgedFrom([a])), digestOf(judgedFrom([{ ...a, integrity: 'sha512-C' }])))
    assert.deepEqual(union(judgedFrom([a]), judgedFrom([b, a])), judgedFrom([a, b]))
  })

  test('is known by its digest', () => {
    const judged = openJudged(judgedFrom([locked()]))
    assert.ok(judged.has(locked({ importers: ['other'] })))
    assert.ok(!judged.has(locked({ integrity: 'sha512-C' })))
    assert.ok(!judged.has(locked({ version: '1.0.1' })))
    assert.ok(!judged.has(locked({ name: 'other' })))
    assert.ok(!judged.has(locked({ aliases: ['renamed'] })))
    assert.ok(!judged.has(locked({ integrity: undefined, source: 'unknown' })))
  })

  test('is known by where it comes from, where it has no digest', () => {
    const git = locked({ integrity: undefined, source: 'git', origin: 'git+https://x.example/a.git#1' })
    const judged = openJudged(judgedFrom([git]))
    assert.ok(judged.has(git))
    assert.ok(!judged.has({ ...git, origin: 'git+https://x.example/a.git#2' }))
    assert.ok(!judged.has({ ...git, source: 'tarball' }))
  })

  test('has everything that it was made of, and nothing else', () => {
    const entry = fc.record({
      name: fc.constantFrom('a', 'b', '@s/c'),
      version: fc.constantFrom('1.0.0', '2.0.0'),
      integrity: fc.constantFrom('sha512-A', 'sha512-B'),
      aliases: fc.subarray(['x', 'y']),
    })
    fc.assert(
      fc.property(fc.array(entry), entry, (list, other) => {
        const judged = openJudged(judgedFrom(list.map(locked)))
        for (const each of list) assert.ok(judged.has(locked(each)))
        const isThere = list.some(
          (each) =>
            each.name === other.name &&
            each.version === other.version &&
            each.integrity === other.integrity &&
            other.aliases.every((alias) => each.aliases.includes(alias)),
        )
        assert.equal(judged.has(locked(other)), isThere)
      }),
    )
  })
})

describe('what is installed', () => {
  const judged = openJudged(
    judgedFrom([
      locked(),
      locked({ name: 'evil', aliases: ['./victim', 'nice'] }),
      locked({ name: 'lib', version: '', integrity: undefined, source: 'directory', origin: 'workspace:lib' }),
    ]),
  )
  const entry = (more: Partial<InstalledEntry>): InstalledEntry => ({
    at: 'node_modules/x',
    alias: 'widget',
    folder: '/project/node_modules/widget',
    kind: 'package',
    name: 'widget',
    version: '1.0.0',
    ...more,
  })
  const problems = (more: Partial<InstalledEntry>, isProject = true) =>
    judgeInstalled([entry(more)], judged, '/project', () => isProject)

  test('passes under its own name and under those that the lockfile gives it', () => {
    assert.deepEqual(problems({}), [])
    assert.deepEqual(problems({ version: 'v1.0.0+build.5' }), [])
    assert.deepEqual(problems({ alias: 'nice', name: 'evil' }), [])
  })

  const OTHERS: Readonly<Record<string, Partial<InstalledEntry>>> = {
    'another version': { version: '1.0.1' },
    'no version': { version: '' },
    'another name': { alias: 'other', name: 'other' },
    'another package under its name': { name: 'evil' },
    'its name under another': { alias: 'victim', name: 'evil' },
    'a folder in its place': { kind: 'local', folder: '/project/lib', name: 'widget' },
    'another folder than the lockfile names': { kind: 'local', alias: 'lib', folder: '/project/evil', name: 'lib' },
    'a folder from elsewhere': { kind: 'local', alias: 'new', folder: '/elsewhere', name: 'new' },
    'a folder of the repository with another name': { kind: 'local', alias: 'new', folder: '/project/x', name: 'y' },
    'what is no package': { kind: 'strange', what: 'is not a folder' },
  }
  for (const [what, more] of Object.entries(OTHERS)) {
    test(`is told where it is ${what}`, () => assert.equal(problems(more).length, 1))
  }

  test('passes as the folder that the lockfile names, and as a project that nothing depends on', () => {
    assert.deepEqual(problems({ kind: 'local', alias: 'lib', folder: '/project/lib', name: 'lib' }), [])
    assert.deepEqual(problems({ kind: 'local', alias: 'app', folder: '/project/apps/app', name: 'app' }), [])
  })

  test('is told where it is a folder that no lockfile names, and no project of the workspace', () => {
    const app = { kind: 'local', alias: 'app', folder: '/project/apps/app', name: 'app' } as const
    assert.equal(problems(app, false).length, 1)
    assert.deepEqual(problems({ kind: 'local', alias: 'lib', folder: '/project/lib', name: 'lib' }, false), [])
  })
})
