import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RunningPnpm } from '../../hooks/running.ts'
import { ungatedEarly, ungatedVersion, unguarded, unguardedRepository } from '../../hooks/versions.ts'

const running = (version: string | undefined, handsOverPreResolution = false): RunningPnpm => ({
  insidePnpm: version !== undefined && Number.parseInt(version, 10) < 12,
  version,
  handsOverPreResolution,
})

test('pnpm 12.0 to 12.15 is refused by name, with the way out', () => {
  for (const version of ['12.0.0', '12.3.4', '12.15.0', '12.15.9', '12.0.0-rc.1']) {
    const message = ungatedVersion(running(version))
    assert.match(message ?? '', new RegExp(`cannot guard pnpm ${version.replaceAll('.', '\\.')}:`))
    assert.match(message ?? '', /Use pnpm 12\.16 or newer, or pnpm 10 \(from 10\.13 on\) or 11\./)
    assert.match(message ?? '', /self-update/)
  }
})

test('versions of pnpm that can be guarded are not refused', () => {
  for (const version of ['12.16.0', '12.21.0', '12.100.0', '11.15.0', '11.0.0', '10.10.0', '10.100.0', '13.0.0']) {
    assert.equal(unguarded(running(version), {}), undefined, version)
  }
})

test('pnpm before 10.10 is refused by name when the pnpmfile is evaluated, whatever hooks it knows', () => {
  for (const version of ['10.9.0', '10.0.0', '9.15.9', '8.0.0', '10.0.0 (or newer)', '', 'x']) {
    assert.match(
      ungatedEarly({ ...running(version), insidePnpm: true }) ?? '',
      /before 10\.10 it asks no hook/,
      version,
    )
  }
  for (const version of ['10.10.0', '11.0.0 (or newer)', '12.0.0', undefined]) {
    assert.equal(ungatedEarly(running(version)), undefined, version)
  }
})

test('a pnpm 12 of an unknown version is refused unless it hands preResolution to the process of its hooks', () => {
  assert.match(unguarded(running(undefined), {}) ?? '', /cannot find out which version of pnpm this is/)
  assert.equal(unguarded(running(undefined, true), {}), undefined)
})

test('a version that is known counts, whatever the process of the hooks looks like', () => {
  assert.match(unguarded(running('12.15.0', true), {}) ?? '', /cannot guard pnpm 12\.15\.0/)
  assert.equal(unguarded(running('12.16.0', false), {}), undefined)
})

describe('pnpm 10 with separate lockfiles', () => {
  for (const value of [false, null, 0, '', 'false', 'no', 1, 'true', [], {}]) {
    test(`is refused where sharedWorkspaceLockfile is ${JSON.stringify(value)}`, () => {
      assert.match(
        unguarded(running('10.34.9'), { sharedWorkspaceLockfile: value }) ?? '',
        /cannot guard pnpm 10\.34\.9 with `sharedWorkspaceLockfile: .*asks no hook about the lockfiles below the root/,
      )
    })
  }

  test('is not meant where the setting is true, or where nothing says it', () => {
    assert.equal(unguarded(running('10.34.9'), { sharedWorkspaceLockfile: true }), undefined)
    assert.equal(unguarded(running('10.34.9'), {}), undefined)
  })

  test('is no matter to pnpm 11 and 12, which ask hooks about each', () => {
    for (const version of ['11.28.11', '12.21.0']) {
      assert.equal(unguarded(running(version), { sharedWorkspaceLockfile: false }), undefined)
    }
  })
})

test('a repository that is new is refused by pnpm before 10.26, with the way out, and by no other', () => {
  for (const version of ['10.10.0', '10.25.0', '10.25.99']) {
    const message = unguardedRepository(running(version), 'https://host/tool')
    assert.match(message ?? '', /cannot guard a git repository .*\(https:\/\/host\/tool\) with pnpm 10\./)
    assert.match(message ?? '', /Use pnpm 10\.26 or newer\./)
  }
  for (const version of ['10.26.0', '10.34.9', '10.100.0', '11.0.0', '12.21.0']) {
    assert.equal(unguardedRepository(running(version), ''), undefined, version)
  }
})
