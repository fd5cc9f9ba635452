import path from 'node:path'
import { GateError } from '../errors.ts'

/** Whose lockfile it is. yarn's two kinds are told apart by what they say. */
export type Format = 'pnpm' | 'npm' | 'yarn' | 'bun'

/**
 * The lockfiles beside pnpm's that a folder may have, in the order in which they are judged. npm up to 11 installs from
 * npm-shrinkwrap.json where there is one, and npm 12 from package-lock.json and from that alone (tried): whoever has both has
 * two.
 */
export const OTHER_NAMES = ['npm-shrinkwrap.json', 'package-lock.json', 'yarn.lock', 'bun.lock', 'bun.lockb'] as const

/** The folder that a lockfile is about: npm's hidden one lies in the node_modules of its project. */
export function lockfileFolder(file: string): string {
  const folder = path.dirname(path.resolve(file))
  const isHidden = path.basename(file) === '.package-lock.json' && path.basename(folder) === 'node_modules'
  return isHidden ? path.dirname(folder) : folder
}

/** The name decides, as it does for the managers; what has another name is known by what it says. @throws GateError */
export function formatOf(file: string, bytes: Uint8Array): Format {
  const name = path.basename(file)
  if (name === 'bun.lockb' || startsWith(bytes, '#!/usr/bin/env bun\nbun-lockfile-format')) {
    throw new GateError(
      `${file} is the binary lockfile of bun, which only bun reads. Write bun.lock instead: ` +
        '`bun install --save-text-lockfile --frozen-lockfile --lockfile-only`, and remove bun.lockb.',
    )
  }
  if (name === 'deno.lock') {
    throw new GateError(
      `${file} is a lockfile of Deno, which the gate does not read. Name one of pnpm, npm, yarn or bun.`,
    )
  }
  if (/^pnpm-lock\..*yaml$/.test(name)) return 'pnpm'
  if (['package-lock.json', '.package-lock.json', 'npm-shrinkwrap.json'].includes(name)) return 'npm'
  if (name === 'yarn.lock') return 'yarn'
  if (name === 'bun.lock') return 'bun'
  return byContent(bytes)
}

/** A mistake here is an error later: what one format takes for its own, no other does. */
function byContent(bytes: Uint8Array): Format {
  const text = new TextDecoder().decode(bytes)
  if (/^\s*\{/.test(text)) {
    const isBun =
      /"packages"\s*:\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[/.test(text) || /"workspaces"\s*:\s*\{\s*""\s*:/.test(text)
    return isBun ? 'bun' : 'npm'
  }
  return /^(?:# yarn lockfile v1|__metadata:)$/m.test(text) ? 'yarn' : 'pnpm'
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return text === new TextDecoder('latin1').decode(bytes.subarray(0, text.length))
}
