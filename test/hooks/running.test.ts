import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { type ProcessFacts, recognise } from '../../hooks/running.ts'

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'running-')))
after(() => rmSync(root, { recursive: true }))

/** A program that belongs to a package, or to none. */
function program(file: string, manifest?: unknown): string {
  const folder = path.join(root, file.split('/')[0] ?? '')
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), '')
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest)
  if (manifest !== undefined) writeFileSync(path.join(folder, 'package.json'), text)
  return path.join(root, file)
}

const NODE = program('node/bin/node', { name: 'node', version: '24.0.0' })
/** The script of pnpm 12.16 and newer, and that of 12.0 to 12.15, as far as they differ. */
const NEW = ['--input-type', 'commonjs', '-e', "if (req.hook === 'preResolution') {}"]
const OLD = ['--input-type', 'commonjs', '-e', "if (req.query === 'hasPreResolution') {}"]

const facts = (given: Partial<ProcessFacts>): ProcessFacts => ({
  argv: [NODE],
  execArgv: [],
  execPath: NODE,
  bundledBy: undefined,
  parentPath: undefined,
  ...given,
})
const never = () => assert.fail('nothing is started')
const found = (given: Partial<ProcessFacts>) => recognise(facts(given), never)

describe('a pnpm that is a script of Node', () => {
  for (const [version, file] of [
    ['10.34.9', 'pnpm10/bin/pnpm.cjs'],
    ['11.28.11', 'pnpm11/dist/pnpm.mjs'],
    ['9.0.0', 'pnpm9/bin/pnpm.cjs'],
  ] as const) {
    test(`is known by the package of ${file}`, () => {
      const script = program(file, { name: 'pnpm', version })
      assert.deepEqual(found({ argv: [NODE, script, 'install'] }), {
        insidePnpm: true,
        version,
        handsOverPreResolution: false,
      })
    })
  }

  test('is known through a link, as package managers make them', () => {
    const script = program('linked/bin/pnpm.cjs', { name: 'pnpm', version: '10.1.0' })
    symlinkSync(script, path.join(root, 'shortcut'))
    assert.equal(found({ argv: [NODE, path.join(root, 'shortcut')] }).version, '10.1.0')
  })

  test('of pnpm 12 is not pnpm itself: it starts the executable', () => {
    const script = program('pnpm12/bin/pnpm.mjs', { name: 'pnpm', version: '12.21.0' })
    assert.equal(found({ argv: [NODE, script] }).insidePnpm, false)
  })

  for (const [what, manifest] of Object.entries({
    'of another package': { name: 'notpnpm', version: '10.0.0' },
    'of a package of an organisation with that name': { name: '@acme/pnpm', version: '10.0.0' },
    'of another package of pnpm': { name: '@pnpm/registry-mock', version: '5.0.0' },
    'of a package without a name': { version: '10.0.0' },
    'of a package without a version': { name: 'pnpm' },
    'with a package.json that is no JSON': '{',
    'with a package.json that is null': 'null',
    'with no package.json': undefined,
  })) {
    test(`${what} is none`, () => {
      const script = program(`${what.replaceAll(/\W/g, '')}/bin/pnpm.cjs`, manifest)
      assert.deepEqual(found({ argv: [NODE, script], parentPath: undefined }), {
        insidePnpm: false,
        version: undefined,
        handsOverPreResolution: false,
      })
    })
  }

  test('that is not there is none', () => {
    assert.equal(found({ argv: [NODE, path.join(root, 'nowhere/pnpm.cjs')] }).insidePnpm, false)
  })
})

describe('a pnpm that is the parent of this process', () => {
  for (const name of ['pnpm', '@pnpm/exe', '@pnpm/exe.linux-x64', '@pnpm/exe.linux-x64-musl']) {
    test(`is known by the package ${name} beside it`, () => {
      const parentPath = program(`${name.replaceAll(/\W/g, '')}/pnpm`, { name, version: '12.15.0' })
      const { insidePnpm, version } = found({ execArgv: NEW, parentPath })
      assert.deepEqual([insidePnpm, version], [false, '12.15.0'])
    })
  }

  test('is known by the script that it gives to Node, where it was copied away from its package', () => {
    const parentPath = program('copied/pnpm')
    assert.deepEqual(found({ execArgv: NEW, parentPath }), {
      insidePnpm: false,
      version: undefined,
      handsOverPreResolution: true,
    })
    assert.equal(found({ execArgv: OLD, parentPath }).handsOverPreResolution, false)
    assert.equal(found({ execArgv: [], parentPath }).handsOverPreResolution, false)
  })

  test('is not known where it was removed', () => {
    assert.equal(found({ execArgv: NEW, parentPath: `${path.join(root, 'copied/pnpm')} (deleted)` }).version, undefined)
  })
})

describe('an executable that holds Node', () => {
  test('is known by the package beside it, and nothing is started', () => {
    const execPath = program('exe10/pnpm', { name: '@pnpm/exe', version: '10.34.7' })
    const argv = [execPath, '/snapshot/dist/pnpm.cjs']
    assert.deepEqual(found({ argv, execPath, bundledBy: 'pkg' }).version, '10.34.7')
  })

  test('is asked where it was copied away from its package, on pnpm 10', () => {
    const execPath = program('alone/pnpm')
    const given = facts({ argv: [execPath, '/snapshot/dist/pnpm.cjs'], execPath, bundledBy: 'pkg' })
    assert.deepEqual(recognise(given, () => '10.9.0').version, '10.9.0')
    assert.match(recognise(given, () => undefined).version ?? '', /^10\.0\.0 /)
  })

  test('is at least pnpm 11, where Node made it', () => {
    const execPath = program('alone/pnpm')
    const { insidePnpm, version } = found({ argv: [execPath, execPath], execPath, bundledBy: 'sea' })
    assert.equal(insidePnpm, true)
    assert.match(version ?? '', /^11\.0\.0 /)
  })
})
