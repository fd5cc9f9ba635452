import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { ask, errorOf, type Stage, startStage, statuses } from './support.ts'

describe('a tarball', () => {
  let stage: Stage
  before(async () => {
    stage = await startStage()
  })
  after(() => stage.close())
  beforeEach(() => stage.world.registry.reset())

  it('is handed on as it is, where it is proven', async () => {
    const { registry } = stage.world
    const pkg = await stage.world.publish({ name: 'strict', version: '1.0.0' })
    const proxy = await stage.open()
    const metadata = await ask(proxy, `${registry.url}strict`)
    assert.equal(metadata.status, 200)
    const answer = await ask(proxy, `${registry.url}strict/-/strict-1.0.0.tgz`)
    assert.equal(answer.status, 200)
    assert.ok(answer.body.equals(pkg.bytes))
    assert.deepEqual(statuses(proxy.verdicts()), ['strict@1.0.0 proven'])
  })

  it('is refused without evidence, by another publisher, and where it is not what was signed', async () => {
    const { registry } = stage.world
    stage.world.publishUnproven({ name: 'strict', version: '1.0.0' })
    await stage.world.publish(
      { name: '@acme/other', version: '1.0.0' },
      { identity: { repository: 'https://github.com/evil/x' } },
    )
    await stage.world.publish({ name: 'tampered', version: '1.0.0' })
    const other = stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
    registry.setTarball('tampered', '1.0.0', other.bytes)
    registry.setIntegrity('tampered', '1.0.0', other.integrity)
    const proxy = await stage.open()
    for (const [place, code] of [
      ['strict/-/strict-1.0.0.tgz', 'EVIDENCE_MISSING'],
      ['@acme/other/-/other-1.0.0.tgz', 'REPOSITORY_MISMATCH'],
      ['tampered/-/tampered-1.0.0.tgz', 'DIGEST_MISMATCH'],
    ] as const) {
      const answer = await ask(proxy, registry.url + place)
      assert.equal(answer.status, 403, place)
      assert.match(
        errorOf(answer),
        new RegExp(
          `^provenance-gate refused \\S+@1\\.0\\.0: ${code} \\(rule \\.sigstorerc:7\\): found .+; expected .+$`,
        ),
      )
      assert.equal(answer.reason, errorOf(answer))
    }
    assert.equal((await ask(proxy, `${registry.url}free/-/free-1.0.0.tgz`)).status, 200)
  })

  it('is refused where the gate cannot do its job, and that is remembered', async () => {
    stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
    for (const error of [new GateError('The trust root is stale.'), new TypeError('x is not a function')]) {
      const gate = () => Promise.reject(error)
      const proxy = await stage.open({ gate })
      assert.equal(proxy.failure(), undefined)
      const answer = await ask(proxy, `${stage.world.registry.url}free/-/free-1.0.0.tgz`)
      assert.deepEqual([answer.status, errorOf(answer)], [403, `provenance-gate could not judge it: ${error.message}`])
      assert.equal(proxy.failure(), error)
    }
  })
})
