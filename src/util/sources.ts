/** Whether a package of that source is a folder: no tarball, and no version of a registry. */
export function isFolder(source: string): boolean {
  return source === 'directory' || source === 'workspace'
}

/** Whether it is downloaded over HTTP, as a file of its own. */
export function isDownloaded({
  source,
  origin,
}: {
  readonly source: string
  readonly origin: string | undefined
}): boolean {
  return source === 'registry' || (source === 'tarball' && /^https?:/i.test(origin ?? ''))
}
