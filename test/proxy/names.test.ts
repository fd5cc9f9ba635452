/** Names that lead to the folder of another package, as projects ask for them, or what they install. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { ask, type Stage, startStage, statuses } from './support.ts'

describe('a name that is a path, or differs by case alone', () => {
  let stage: Stage
  before(async () => {
    stage = await startStage()
  })
  after(() => stage.close())
  beforeEach(() => stage.world.registry.reset())

  const place = (name: string) => `${stage.world.registry.url}${name}/-/${name}-1.0.0.tgz`

  for (const name of ['./strict', 'x/../strict', '../strict', '@scope', 'node_modules', '.bin']) {
    it(`refuses what a project installs as ${name}`, async () => {
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      const asked = [{ name, spec: 'npm:free@1.0.0', importer: '.' }]
      const proxy = await stage.open({ asked })
      assert.equal((await ask(proxy, place('free'))).status, 403)
      assert.deepEqual(statuses(proxy.verdicts()), ['free@1.0.0 refused ALIAS_INVALID'])
    })
  }

  it('refuses what a package that was let in installs as such', async () => {
    const dependencies = { 'x/../strict': 'npm:free-too@1.0.0' }
    stage.world.publishUnproven({ name: 'free', version: '1.0.0', dependencies })
    stage.world.publishUnproven({ name: 'free-too', version: '1.0.0' })
    const proxy = await stage.open()
    for (const name of ['free', 'free-too']) await ask(proxy, `${stage.world.registry.url}${name}`)
    assert.equal((await ask(proxy, place('free'))).status, 200)
    assert.equal((await ask(proxy, place('free-too'))).status, 403)
    assert.deepEqual(statuses(proxy.verdicts()), ['free@1.0.0 permitted', 'free-too@1.0.0 refused ALIAS_INVALID'])
  })

  it('refuses an alias that differs by case alone from a name of the lockfile', async () => {
    stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
    const locked = [{ name: 'strict', version: '1.0.0', integrity: undefined, source: 'registry' } as const]
    const proxy = await stage.open({
      locked: locked.map((each) => ({ ...each, origin: undefined, importers: ['.'], key: 'strict@1.0.0' })),
      asked: [{ name: 'STRICT', spec: 'npm:free@1.0.0', importer: '.' }],
    })
    assert.equal((await ask(proxy, place('free'))).status, 403)
    assert.deepEqual(statuses(proxy.verdicts()), ['free@1.0.0 refused ALIAS_INVALID'])
  })

  it('refuses the second of two, whichever comes first', async () => {
    stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
    stage.world.publishUnproven({ name: 'free-x', version: '1.0.0' })
    const asked = [{ name: 'free-X', spec: 'npm:free@1.0.0', importer: '.' }]
    for (const order of [
      ['free', 'free-x'],
      ['free-x', 'free'],
    ]) {
      const proxy = await stage.open({ asked })
      const [first, second] = [await ask(proxy, place(order[0] ?? '')), await ask(proxy, place(order[1] ?? ''))]
      assert.deepEqual([first.status, second.status], [200, 403], order.join())
      assert.ok(statuses(proxy.verdicts()).includes('free@1.0.0 refused ALIAS_INVALID'))
    }
  })

  it('lets in two packages of a registry under their own names, each by the rules for both', async () => {
    for (const name of ['free-JSON', 'free-json']) stage.world.publishUnproven({ name, version: '1.0.0' })
    const proxy = await stage.open()
    assert.equal((await ask(proxy, place('free-JSON'))).status, 200)
    assert.equal((await ask(proxy, place('free-json'))).status, 200)
  })
})
