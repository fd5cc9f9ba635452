/** The user's own proxy stands behind the gate, and is not a way around it. */
import assert from 'node:assert/strict'
import http from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, test } from 'node:test'
import { startWorld } from '../../support/world.ts'
import { installed, marks, RUNNERS, runProject, through } from './support.ts'

const world = await startWorld()
await world.publish({ name: 'widget', version: '1.0.0' })
world.publishUnproven({ name: 'bare', version: '1.0.0' })

const passed: string[] = []
/** A forward proxy that lets everything through, by either way of asking. */
const proxy = http.createServer((request, response) => {
  const { 'proxy-connection': _, ...headers } = request.headers
  passed.push(request.url ?? '')
  const onward = http.request(request.url ?? '', { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  request.pipe(onward)
})
proxy.on('connect', (request, socket) => {
  const { hostname, port } = new URL(`http://${request.url}`)
  const onward = connect(Number(port), hostname, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    passed.push(`CONNECT ${request.url}`)
    socket.pipe(onward).pipe(socket)
  })
  onward.on('error', () => socket.destroy())
  socket.on('error', () => onward.destroy())
})
await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
after(async () => {
  proxy.closeAllConnections()
  proxy.close()
  await world.close()
})

const own = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
const VARIABLES = {
  HTTP_PROXY: own,
  HTTPS_PROXY: own,
  http_proxy: own,
  https_proxy: own,
  ALL_PROXY: own,
  all_proxy: own,
}

for (const runner of RUNNERS) {
  test(`${runner}: all goes through the gate, and from there through the proxy`, async (t) => {
    for (const [name, status] of [
      ['widget', 0],
      ['bare', 1],
    ] as const) {
      passed.length = 0
      const project = runProject(t, world, { dependencies: { [name]: '1.0.0' } })
      const run = await through(runner, ['install'], project, { env: VARIABLES })
      assert.equal(run.status, status, run.output)
      assert.equal(installed(project, name).length > 0, status === 0)
      assert.deepEqual(marks(project), status === 0 ? [`${name}@1.0.0`] : [])
      assert.ok(passed.length > 0, 'the proxy was asked')
    }
  })
}
