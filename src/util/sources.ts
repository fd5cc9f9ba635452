/** Whether a package of that source is a folder: no tarball, and no version of a registry. */
export function isFolder(source: string): boolean {
  return source === 'directory' || source === 'workspace'
}
