/** A process that has pacote verify the attestations of packages, as many at once as `npm audit signatures` does. */
import { readFileSync } from 'node:fs'
import pLimit from 'p-limit'
import pacote from 'pacote'

interface Task {
  readonly ids: readonly string[]
  readonly options: pacote.Options
}

const AT_ONCE = 20

const { ids, options } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Task
const limit = pLimit(AT_ONCE)
const manifests = await Promise.all(ids.map((id) => limit(() => pacote.manifest(id, options))))
const proven = manifests.filter((manifest) => '_attestationBundles' in manifest)
if (proven.length !== ids.length) throw new Error(`${proven.length} of ${ids.length} have attestations`)
