import packageJson from '../../package.json' with { type: 'json' }

/** What is wrong with a version of Node; undefined where it is supported. Older ones ignore settings such as proxies. */
export function unsupportedNode(version: string): string | undefined {
  const [major = 0] = version.split('.').map(Number)
  return major >= 22
    ? undefined
    : `Node.js ${version} is too old: the gate needs ${packageJson.engines.node}. Nothing was judged.`
}
