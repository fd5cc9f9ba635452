import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runsHooksInside, ungatedVersion, unguarded, unguardedRepository } from '../../hooks/versions.ts'

test('pnpm 12.0 to 12.15 is refused by name, with the way out', () => {
  for (const version of ['12.0.0', '12.3.4', '12.15.0', '12.15.9', '12.0.0-rc.1']) {
    const message = ungatedVersion(`pnpm/${version} npm/? node/? linux x64`)
    assert.match(message ?? '', new RegExp(`cannot guard pnpm ${version.replaceAll('.', '\\.')}:`))
    assert.match(message ?? '', /Use pnpm 12\.16 or newer, or pnpm 10 or 11\./)
    assert.match(message ?? '', /self-update/)
  }
})

test('neighbours are not', () => {
  for (const version of ['12.16.0', '12.21.0', '12.100.0', '11.15.0', '10.0.0', '13.0.0', '112.0.0']) {
    assert.equal(ungatedVersion(`pnpm/${version} npm/? node/? linux x64`), undefined, version)
  }
})

test('what is not pnpm, or nothing at all, is not taken for such a version', () => {
  for (const agent of [undefined, '', 'npm/12.0.0', 'pnpm', 'yarn/1.22 pnpm/12.0.0']) {
    assert.equal(ungatedVersion(agent), undefined, String(agent))
  }
})

test('pnpm 10 is refused where each project has a lockfile of its own: it asks no hook about those below the root', () => {
  const config = (version: string, sharedWorkspaceLockfile?: boolean) => ({
    userAgent: `pnpm/${version} npm/? node/v24.0.0 linux x64`,
    ...(sharedWorkspaceLockfile === undefined ? {} : { sharedWorkspaceLockfile }),
  })
  assert.match(
    unguarded(config('10.34.9', false)) ?? '',
    /cannot guard pnpm 10\.34\.9 with `sharedWorkspaceLockfile: false`/,
  )
  assert.equal(unguarded(config('10.34.9', true)), undefined)
  assert.equal(unguarded(config('10.34.9')), undefined)
  assert.equal(unguarded(config('11.28.11', false)), undefined)
  assert.match(unguarded(config('12.3.4', true)) ?? '', /cannot guard pnpm 12\.3\.4:/)
})

test('hooks run inside of pnpm 10 and 11 only; what is not known is taken for the stricter case', () => {
  for (const version of ['10.34.9', '11.0.0']) assert.ok(runsHooksInside(`pnpm/${version} npm/?`))
  for (const agent of ['pnpm/12.21.0 npm/?', 'pnpm/13.0.0 npm/?', undefined, '']) assert.ok(!runsHooksInside(agent))
})

test('a repository that is new is refused by pnpm before 10.26, with the way out, and by no other', () => {
  const agent = (version: string) => `pnpm/${version} npm/? node/v24.0.0 linux x64`
  for (const version of ['10.0.0', '10.25.0', '10.25.99']) {
    const message = unguardedRepository(agent(version), 'https://host/tool')
    assert.match(message ?? '', /cannot guard a git repository .*\(https:\/\/host\/tool\) with pnpm 10\./)
    assert.match(message ?? '', /Use pnpm 10\.26 or newer\./)
  }
  for (const version of ['10.26.0', '10.34.9', '10.100.0', '11.0.0', '12.21.0']) {
    assert.equal(unguardedRepository(agent(version), ''), undefined, version)
  }
})
