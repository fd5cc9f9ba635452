/** Reads a workspace in a process of its own, whose heap is bounded: `node read-workspace.ts FORMAT SHAPE PROJECTS PACKAGES`. */
import { type Shape, WORKSPACE_FORMATS, workspaceOf } from './workspaces.ts'

const [format = '', shape, projects, packages] = process.argv.slice(2)
const read = WORKSPACE_FORMATS[format]
if (read === undefined) throw new RangeError(`no format ${format}`)
const found = read(workspaceOf(shape as Shape, Number(projects), Number(packages)))
const lists = new Set(found.map(({ importers }) => importers))
const names = [...lists].reduce((sum, list) => sum + list.length, 0)
process.stdout.write(JSON.stringify({ packages: found.length, lists: lists.size, names }))
