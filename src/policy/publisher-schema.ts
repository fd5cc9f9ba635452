import * as v from 'valibot'
import {
  builderProblem,
  commitProblem,
  domainProblem,
  environmentProblem,
  issuerProblem,
  ownerProblem,
  refProblem,
  releaseProblem,
  repositoryProblem,
  tagProblem,
  triggerProblem,
  workflowProblem,
} from './fields.ts'
import { at, choice, described, id, mapping, named, oneOrMany, type Problem, text } from './parts.ts'
import { publisherProblem } from './publisher.ts'
import { quote } from './text.ts'

/** Publishers, as a policy writes them: by name, or where they are referred to. */

const PublisherSchema = v.pipe(
  mapping('a publisher', {
    issuer: v.exactOptional(
      described(
        text(issuerProblem),
        'Who vouches for the build (claim 8): github, gitlab, or a URL. Follows from a host that is known.',
      ),
    ),
    owner: v.exactOptional(
      described(
        text(ownerProblem),
        'Owner of the repository (claim 16), exactly: a name on GitHub, or a whole address.',
      ),
    ),
    ownerId: v.exactOptional(
      described(id, "The owner's number at its host (claim 17), which a rename does not change."),
    ),
    repository: v.exactOptional(
      described(
        text(repositoryProblem),
        'Repository (claim 12): owner/name on GitHub, or a whole address. Patterns: * inside a segment, ** for whole segments.',
      ),
    ),
    repositoryId: v.exactOptional(
      described(id, "The repository's number at its host (claim 15), which a rename or a move does not change."),
    ),
    workflow: v.exactOptional(
      described(
        oneOrMany(text(workflowProblem), 'at least one workflow'),
        'Path of the calling, top-level workflow (claim 18). Patterns.',
      ),
    ),
    builder: v.exactOptional(
      described(
        oneOrMany(text(builderProblem), 'at least one called workflow'),
        'The called workflow that does the build (claim 9): owner/name/path@ref. Patterns.',
      ),
    ),
    ref: v.exactOptional(
      described(
        oneOrMany(text(refProblem), 'at least one ref'),
        'Branch or tag (claim 14), in full: refs/heads/main, refs/tags/v*. Patterns.',
      ),
    ),
    commit: v.exactOptional(
      described(oneOrMany(text(commitProblem), 'at least one commit'), 'Commit (claim 13), the whole hash.'),
    ),
    trigger: v.exactOptional(
      described(
        oneOrMany(text(triggerProblem), 'at least one event'),
        'Event that started the build (claim 20), such as push or release.',
      ),
    ),
    runner: v.exactOptional(described(choice(['hosted', 'self-hosted']), 'Kind of machine (claim 11).')),
    environment: v.exactOptional(
      described(
        oneOrMany(text(environmentProblem), 'at least one environment'),
        'Deployment environment (claim 23), exactly.',
      ),
    ),
    visibility: v.exactOptional(
      described(choice(['public', 'private', 'internal']), 'Visibility of the repository at the time (claim 22).'),
    ),
    domain: v.exactOptional(
      described(
        text(domainProblem),
        'Whose authority has to vouch for it: sigstore (the default), github (GitHub\'s own), or one of "trust".',
      ),
    ),
    release: v.exactOptional(
      described(
        text(releaseProblem),
        'In place of the above: an immutable release on GitHub, by its repository, owner/name. Patterns.',
      ),
    ),
    tag: v.exactOptional(
      described(oneOrMany(text(tagProblem), 'at least one tag'), 'Of the release: its tag, such as v*. Patterns.'),
    ),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.issues !== undefined) return
    const problem = publisherProblem(dataset.value)
    if (problem === undefined) return
    const { key, message } = problem
    addIssue(key === undefined ? { message } : at(dataset.value, key, message))
  }),
)

const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/

function nameProblem(name: string): Problem {
  if (NAME.test(name)) return undefined
  const isRepository = name.includes('/')
  return isRepository
    ? `${quote(name)} is not the name of a publisher: for a repository write {"repository": ${quote(name)}}`
    : `${quote(name)} is not a name for a publisher: a letter, then letters, digits, "-" and "_"`
}

export const NamedPublishersSchema = named(
  oneOrMany(PublisherSchema, 'at least one publisher'),
  '"publishers"',
  'publishers',
  nameProblem,
)

/** A publisher, or the name of one. What is text is read as a name and nothing else, as in `oneOrMany`. */
export const nameOrPublisher = (() => {
  const name = text(nameProblem)
  const union = v.union([name, PublisherSchema])
  const run: (typeof union)['~run'] = (dataset, config) =>
    (typeof dataset.value === 'string' ? name : PublisherSchema)['~run'](dataset, config)
  return { ...union, '~run': run }
})()
