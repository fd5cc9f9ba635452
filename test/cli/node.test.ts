import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unsupportedNode } from '../../src/cli/node.ts'

describe('a version of Node', () => {
  it('that is too old judges nothing', () => {
    for (const version of ['20.20.2', '18.0.0', '21.9.9', '']) {
      assert.match(unsupportedNode(version) ?? '', /is too old: the gate needs \^22/, version)
    }
  })

  it('is one of those that are named, or newer', () => {
    for (const version of ['22.22.2', '24.15.0', '26.0.0', '100.0.0']) assert.equal(unsupportedNode(version), undefined)
  })
})
