import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { workflowOf } from '../../src/verify/claims.ts'
import { extension } from '../support/sigstore/certificate.ts'
import { octetString, oid, sequence, utf8String } from '../support/sigstore/der.ts'
import { openWorkshop } from './forge.ts'
import { documentOf, locked, NOW, onlyProvenance, refused, verifierFor } from './support.ts'

// Certificates that Fulcio does not issue: the chain holds, so what they say is all that is left to be refused.

const workshop = openWorkshop()
const verify = verifierFor(workshop.trust)

const FULCIO = '1.3.6.1.4.1.57264.1'
const ENVIRONMENT = `${FULCIO}.23`

function judge(change: (extensions: readonly Buffer[]) => readonly Buffer[]) {
  return verify(locked(), documentOf(workshop.forge({ extensions: change })), NOW)
}

function judgeWith(...additional: readonly Buffer[]) {
  return judge((usual) => [...usual, ...additional])
}

function environmentOf(value: Buffer): string | undefined {
  return onlyProvenance(judgeWith(extension(ENVIRONMENT, value))).claims.environment
}

/** An extension by the last arcs of its identifier. */
function startsWithOid(id: string): (extension: Buffer) => boolean {
  const der = oid(id)
  return (candidate) => candidate.indexOf(der) >= 0 && candidate.indexOf(der) < 6
}

describe('a certificate', () => {
  const usage = startsWithOid('2.5.29.37')

  test('is for signing code', () => {
    const withUsage = (...ids: readonly string[]) =>
      judge((usual) =>
        usual.map((item) => (usage(item) ? extension('2.5.29.37', sequence(...ids.map((id) => oid(id)))) : item)),
      )
    onlyProvenance(withUsage('1.3.6.1.5.5.7.3.3'))
    onlyProvenance(withUsage('1.3.6.1.5.5.7.3.8', '1.3.6.1.5.5.7.3.3'))
    refused(withUsage('1.3.6.1.5.5.7.3.8'), 'CERTIFICATE_UNTRUSTED', /no extended key usage for code signing/)
    refused(withUsage('1.3.6.1.5.5.7.3.3.1'), 'CERTIFICATE_UNTRUSTED')
    // "Any" use is not this use.
    refused(withUsage('2.5.29.37.0'), 'CERTIFICATE_UNTRUSTED')
    refused(withUsage(), 'CERTIFICATE_UNTRUSTED')
  })

  test('that does not say what it is for is for nothing', () => {
    refused(
      judge((usual) => usual.filter((item) => !usage(item))),
      'CERTIFICATE_UNTRUSTED',
      /code signing/,
    )
  })

  test('has each extension once', () => {
    for (const id of [ENVIRONMENT, '1.2.3.4']) {
      onlyProvenance(judgeWith(extension(id, utf8String('npm'))))
      const twice = judgeWith(extension(id, utf8String('npm')), extension(id, utf8String('evil')))
      refused(twice, 'CERTIFICATE_UNTRUSTED', /stands twice/)
      refused(judgeWith(extension(id, utf8String('npm')), extension(id, utf8String('npm'))), 'CERTIFICATE_UNTRUSTED')
    }
    refused(judgeWith(extension(`${FULCIO}.12`, utf8String('https://github.com/evil/evil'))), 'CERTIFICATE_UNTRUSTED')
  })

  test('claims nothing under an identifier that only looks like one', () => {
    for (const id of [
      `${FULCIO}.23.0`,
      `${FULCIO}.23.1`,
      `${FULCIO}0.23`,
      '1.3.6.1.4.1.57264.2.23',
      '1.3.6.1.4.1.57264.23',
    ]) {
      const { environment } = onlyProvenance(judgeWith(extension(id, utf8String('npm')))).claims
      assert.equal(environment, undefined, id)
    }
  })
})

describe('a claim', () => {
  test('is a UTF8String of any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        fc.pre(text.isWellFormed())
        assert.equal(environmentOf(utf8String(text)), text)
      }),
      { numRuns: 60 },
    )
    for (const length of [0, 1, 127, 128, 255, 256, 2_000]) {
      assert.equal(environmentOf(utf8String('x'.repeat(length))), 'x'.repeat(length))
    }
  })

  test('keeps a byte order mark: an environment that is only called so is another one', () => {
    assert.equal(environmentOf(utf8String('npm')), 'npm')
    assert.equal(environmentOf(utf8String('\uFEFFnpm')), '\uFEFFnpm')
  })

  const npm = utf8String('npm')
  for (const [name, value] of [
    ['raw', Buffer.from('npm')],
    ['empty', Buffer.alloc(0)],
    ['a tag only', Buffer.from([0x0c])],
    ['an octet string', octetString(Buffer.from('npm'))],
    ['cut off', npm.subarray(0, -1)],
    ['with more behind it', Buffer.concat([npm, npm])],
    ['not UTF-8', Buffer.from([0x0c, 0x01, 0xff])],
    ['half of a surrogate pair', Buffer.from([0x0c, 0x03, 0xed, 0xa0, 0x80])],
    ['of indefinite length', Buffer.from([0x0c, 0x80, 0x6e, 0x00, 0x00])],
    ['of a length in three octets', Buffer.from([0x0c, 0x83, 0x00, 0x00, 0x01, 0x6e])],
    ['of a length that is not there', Buffer.from([0x0c, 0x82, 0x01])],
  ] as const) {
    test(`is not ${name}`, () => {
      refused(judgeWith(extension(ENVIRONMENT, value)), 'CERTIFICATE_UNTRUSTED', /not a UTF-8 string/)
    })
  }

  test('among the first six is raw', () => {
    // 4, the workflow's name, is not read; still it has to be text.
    const replaced = (value: Buffer) =>
      judge((usual) =>
        usual.map((item) => (startsWithOid(`${FULCIO}.4`)(item) ? extension(`${FULCIO}.4`, value) : item)),
      )
    onlyProvenance(replaced(Buffer.from('Release 🚀')))
    refused(replaced(Buffer.from([0xff])), 'CERTIFICATE_UNTRUSTED', /not a UTF-8 string/)
  })
})

describe('workflowOf', () => {
  const segment = fc.stringMatching(/^[\w.-]{1,12}$/)
  const repository = fc
    .array(segment, { minLength: 2, maxLength: 4 })
    .map((parts) => `https://host.example/${parts.join('/')}`)
  const path = fc
    .array(fc.stringMatching(/^[\w.@-]{1,12}$/), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('/'))
    .filter((text) => !text.includes('@refs/'))
  const ref = fc.stringMatching(/^[\w./@-]{1,30}$/).map((rest) => `refs/${rest}`)

  test('gives back what a URI was made of', () => {
    fc.assert(
      fc.property(repository, path, ref, fc.constantFrom('/', '//'), (where, file, at, slash) => {
        assert.deepEqual(workflowOf(`${where}${slash}${file}@${at}`, where), { path: file, ref: at })
      }),
    )
  })

  test('whatever it splits can be put together again', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.string({ maxLength: 20 }), fc.boolean(), (rest, where, prefixed) => {
        const uri = prefixed ? `${where}${rest}` : rest
        const split = workflowOf(uri, where)
        if (split === undefined) return
        assert.ok([`${where}/`, `${where}//`].some((start) => `${start}${split.path}@${split.ref}` === uri))
        assert.ok(split.ref.startsWith('refs/') && split.path !== '' && !split.path.includes('@refs/'))
      }),
    )
  })

  test('knows nothing of other repositories', () => {
    const where = 'https://github.com/acme/widgets'
    for (const uri of [
      undefined,
      '',
      where,
      `${where}/`,
      `${where}/@refs/heads/main`,
      `${where}//@refs/heads/main`,
      `${where}/release.yml`,
      `${where}/release.yml@main`,
      `${where}s/release.yml@refs/heads/main`,
      `${where}.git/release.yml@refs/heads/main`,
      `http${where.slice(5)}/release.yml@refs/heads/main`,
      `${where.toUpperCase()}/release.yml@refs/heads/main`,
      ` ${where}/release.yml@refs/heads/main`,
    ]) {
      assert.equal(workflowOf(uri, where), undefined, uri)
    }
    assert.equal(workflowOf(`${where}/release.yml@refs/heads/main`, undefined), undefined)
  })
})
