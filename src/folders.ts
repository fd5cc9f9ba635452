import path from 'node:path'

/** A folder and all that it lies in, from the inside out. */
export function upwards(folder: string): readonly string[] {
  const parent = path.dirname(folder)
  return parent === folder ? [folder] : [folder, ...upwards(parent)]
}
