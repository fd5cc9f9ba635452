import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitStatus } from '../../src/cli/exit.ts'
import type { RefusalCode } from '../../src/codes.ts'
import type { Verdict } from '../../src/policy/types.ts'

const pkg = {
  name: 'a',
  version: '1.0.0',
  integrity: undefined,
  source: 'registry',
  origin: undefined,
  importers: [],
  key: 'a@1.0.0',
} as const
const passed: Verdict = { package: pkg, status: 'proven', refusal: undefined, rule: undefined, claims: undefined }
const refused = (code: RefusalCode): Verdict => ({
  ...passed,
  status: 'refused',
  refusal: { code, found: 'x', expected: 'y' },
})

test('0 where all are allowed, and for an empty lockfile', () => {
  assert.equal(exitStatus([]), 0)
  assert.equal(exitStatus([passed, { ...passed, status: 'permitted' }]), 0)
})

test('1 as soon as one is refused for what was found', () => {
  assert.equal(exitStatus([passed, refused('SIGNATURE_INVALID')]), 1)
  assert.equal(exitStatus([refused('EVIDENCE_UNAVAILABLE'), refused('EVIDENCE_MISSING')]), 1)
  assert.equal(exitStatus([refused('NO_RULE'), refused('INTERNAL_ERROR')]), 1)
})

test('2 where nothing bad was found, but something could not be found out', () => {
  assert.equal(exitStatus([passed, refused('EVIDENCE_UNAVAILABLE')]), 2)
  assert.equal(exitStatus([refused('INTERNAL_ERROR')]), 2)
  assert.equal(exitStatus([refused('EVIDENCE_UNKNOWN'), refused('EVIDENCE_UNAVAILABLE')]), 2)
  assert.equal(exitStatus([refused('EVIDENCE_UNKNOWN'), refused('CERTIFICATE_UNTRUSTED')]), 1)
})

test('a refusal that lost its reason is not a pass', () => {
  assert.equal(exitStatus([{ ...passed, status: 'refused' }]), 1)
})
