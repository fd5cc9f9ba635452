import { Buffer } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import { abbreviate, type Packument } from './packument.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export function text(status: number, type: string, body: string): Reply {
  return { status, headers: { 'content-type': type }, body: Buffer.from(body) }
}

export function json(status: number, value: unknown): Reply {
  return text(status, 'application/json', JSON.stringify(value))
}

export function tarball(body: Buffer): Reply {
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body }
}

const ABBREVIATED = 'application/vnd.npm.install-v1+json'

/** Metadata in the form that the client prefers. */
export function metadata(full: Packument, accept = ''): Reply {
  return accept.includes(ABBREVIATED) ? text(200, ABBREVIATED, JSON.stringify(abbreviate(full))) : json(200, full)
}

export function send({ status, headers, body }: Reply, response: ServerResponse): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(body)
}
