/**
 * The strongly connected components of a graph: for each node the number of its own. An edge between two components leads
 * from the higher number to the lower one. Without recursion (Tarjan's algorithm): an attacker makes chains as long as they
 * like.
 *
 * @param edges the nodes that each node leads to, by its number
 */
export function componentsOf(edges: readonly (readonly number[])[]): {
  readonly of: Int32Array
  readonly count: number
} {
  const of = new Int32Array(edges.length).fill(-1)
  /** When a node was first seen, from 1 on, and the earliest node that it leads back to. */
  const order = new Int32Array(edges.length)
  const lowest = new Int32Array(edges.length)
  /** How many of its edges were followed. */
  const followed = new Int32Array(edges.length)
  const open: number[] = []
  let count = 0
  let time = 0
  for (let root = 0; root < edges.length; root++) {
    if (order[root] !== 0) continue
    const path = [root]
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      if (order[node] === 0) {
        time += 1
        order[node] = time
        lowest[node] = time
        open.push(node)
      }
      const next = edges[node]?.[followed[node] ?? 0]
      if (next !== undefined) {
        followed[node] = (followed[node] ?? 0) + 1
        if (order[next] === 0) path.push(next)
        else if (of[next] === -1) lowest[node] = Math.min(lowest[node] ?? 0, order[next] ?? 0)
        continue
      }
      path.pop()
      const above = path.at(-1)
      if (above !== undefined) lowest[above] = Math.min(lowest[above] ?? 0, lowest[node] ?? 0)
      if (lowest[node] !== order[node]) continue
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        of[member] = count
        if (member === node) break
      }
      count += 1
    }
  }
  return { of, count }
}
