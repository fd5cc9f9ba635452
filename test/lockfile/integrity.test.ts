import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { comparedDigest } from '../../src/lockfile/integrity.ts'

const STRONG = `sha512-${'A'.repeat(86)}==`
const OTHER = `sha512-${'B'.repeat(85)}A==`
const WEAK = `sha1-${'A'.repeat(27)}=`

describe('the digest that yarn 1 compares', () => {
  for (const text of [`${WEAK} ${STRONG}`, `${STRONG} ${WEAK}`, `${WEAK} ${STRONG} ${WEAK}`])
    test(`is the sha512 of ${text.replaceAll(/A+/g, '…')}`, () => assert.equal(comparedDigest(text), STRONG))

  for (const text of [
    ...[undefined, '', ' ', WEAK, STRONG, `${WEAK} ${WEAK}`, `${STRONG} ${OTHER}`, `${STRONG} ${STRONG}`],
    ...[`${WEAK} ${STRONG} ${OTHER}`, `${WEAK}  ${STRONG}`, ` ${STRONG}`, `${STRONG} `, `${WEAK}\t${STRONG}`],
    ...[
      `${WEAK}\n${STRONG}`,
      `${WEAK},${STRONG}`,
      `sha256-${'A'.repeat(43)}= ${STRONG}`,
      `sha384-${'A'.repeat(64)} ${STRONG}`,
    ],
    ...[`md5-${'A'.repeat(22)}== ${STRONG}`, `sha3-512-AAAA ${STRONG}`, `blake2b512-AAAA ${STRONG}`, `junk ${STRONG}`],
    ...[`SHA1-${'A'.repeat(27)}= ${STRONG}`, `sha1-AAAA ${STRONG}`, `${WEAK}?option ${STRONG}`, `${WEAK} SHA512-AAAA`],
  ])
    test(`is not picked from ${JSON.stringify(text ?? 'none').replaceAll(/A+/g, '…')}`, () =>
      assert.equal(comparedDigest(text), text))

  test('is left as it is where it is no text', () => {
    for (const value of [undefined, null, 1, [WEAK, STRONG], {}]) assert.equal(comparedDigest(value), value)
  })

  test('is a part of the text, or all of it', () => {
    const part = fc.constantFrom(STRONG, OTHER, WEAK, 'sha512-', 'sha1-', '?x', ' ', '', '\t', '=')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const text = parts.join(' ')
        const digest = comparedDigest(text)
        return (
          digest === text ||
          text
            .split(' ')
            .filter((each) => each.startsWith('sha512-'))
            .join() === digest
        )
      }),
    )
  })
})
