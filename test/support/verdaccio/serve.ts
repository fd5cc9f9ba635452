// A program: Verdaccio on a free port of the loopback interface. It tells its parent the port.
import { createRequire } from 'node:module'

const { runServer } = createRequire(import.meta.url)('verdaccio') as {
  runServer(config: unknown): Promise<import('node:http').Server>
}
const server = await runServer(JSON.parse(process.argv[2] ?? '{}'))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : undefined)
})
// The parent is gone.
process.on('disconnect', () => process.exit())
