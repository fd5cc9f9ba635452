/**
 * The digest that yarn 1 compares with, where a sha512 stands among sha1: that alone, also of what is in its cache (1.22, tried).
 * Of two sha512 it takes bytes that have any of them. That, and all else, is left as it is.
 *
 * For yarn 1 alone. npm takes bytes that have the sha1 alone, where its cache has them from an entry without a sha512. pnpm 10
 * and 11 install nothing that has several.
 */
export function comparedDigest(integrity: unknown): unknown {
  if (typeof integrity !== 'string') return integrity
  const digests = integrity.split(' ')
  const others = digests.filter((each) => !each.startsWith('sha512-'))
  const [strongest, ...more] = digests.filter((each) => each.startsWith('sha512-'))
  return more.length === 0 && others.every((each) => SHA1.test(each)) ? (strongest ?? integrity) : integrity
}

const SHA1 = /^sha1-[A-Za-z0-9+/]{27}=$/
