import { Buffer } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { json, type Reply, send, text } from './replies.ts'

interface Matching {
  /** On the decoded path below the base path: a string is contained in it, a RegExp matches it. */
  readonly match: string | RegExp
  /** For how many requests; all of them if absent. */
  readonly times?: number
}

/** How a registry, a proxy or a network can fail. Each is really done on the socket. */
export type Misbehaviour = Matching &
  (
    | { readonly how: 'status'; readonly status: number }
    | { readonly how: 'redirect'; readonly location: string; readonly status?: 301 | 302 | 303 | 307 | 308 }
    /** The connection is reset, without an answer. */
    | { readonly how: 'reset' }
    /** The request is taken and never answered. */
    | { readonly how: 'hang' }
    /** The right answer, after so many milliseconds. */
    | { readonly how: 'late'; readonly ms: number }
    /** The right answer, a byte at a time: no inactivity limit ever strikes, only a limit on the whole. */
    | { readonly how: 'slow-drip' }
    /** An answer that never ends, as fast as it is read. */
    | { readonly how: 'endless' }
    /** 200 and a web page, as captive portals do. */
    | { readonly how: 'html' }
    /** 200 and a JSON content type, but no JSON. */
    | { readonly how: 'garbage-json' }
    /** The right length is announced, and the connection ends half way. */
    | { readonly how: 'truncate' }
    /** Half of the length is announced, and everything sent. */
    | { readonly how: 'wrong-length' }
  )

/** The rules in force, in the order in which they were added. */
export class Rules {
  #rules: { readonly rule: Misbehaviour; left: number }[] = []

  add(rule: Misbehaviour): void {
    this.#rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY })
  }

  /** The first rule that matches and is not used up. Asking uses it once. */
  take(path: string): Misbehaviour | undefined {
    const found = this.#rules.find(({ rule, left }) => left > 0 && matches(rule.match, path))
    if (found !== undefined) found.left -= 1
    return found?.rule
  }

  clear(): void {
    this.#rules = []
  }
}

/** `search` rather than `test`: it does not move a global RegExp's lastIndex, so every request is judged alike. */
function matches(match: string | RegExp, path: string): boolean {
  return typeof match === 'string' ? path.includes(match) : path.search(match) !== -1
}

/** Answers as the rule says. `honest` makes the answer that would have been right, for the ways that bend it. */
export async function misbehave(
  rule: Misbehaviour,
  honest: () => Promise<Reply>,
  response: ServerResponse,
): Promise<void> {
  switch (rule.how) {
    case 'status':
      return send(json(rule.status, { error: 'misbehaving' }), response)
    case 'redirect': {
      const reply = text(rule.status ?? 302, 'text/plain', 'elsewhere')
      return send({ ...reply, headers: { ...reply.headers, location: rule.location } }, response)
    }
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'hang':
      return
    case 'late': {
      const reply = await honest()
      await setTimeout(rule.ms, undefined, { ref: false })
      return send(reply, response)
    }
    case 'html':
      return send(text(200, 'text/html', '<!doctype html><title>Sign in to the network</title>'), response)
    case 'garbage-json':
      return send(text(200, 'application/json', '{"attestations": [nonsense'), response)
    case 'slow-drip':
      return drip(await honest(), response)
    case 'endless':
      return pourForever(await honest(), response)
    case 'truncate':
      return truncate(await honest(), response)
    case 'wrong-length':
      return understate(await honest(), response)
  }
}

const DRIP_MS = 10

function drip({ status, headers, body }: Reply, response: ServerResponse): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  let sent = 0
  const timer = setInterval(() => {
    if (sent < body.length) response.write(body.subarray(sent, ++sent))
    else response.end()
  }, DRIP_MS)
  response.on('close', () => clearInterval(timer))
}

/** Valid JSON as far as it goes, so a parser that reads while receiving finds no reason to stop either. */
function pourForever({ status, headers }: Reply, response: ServerResponse): void {
  response.writeHead(status, headers)
  response.write('{"attestations":["')
  const chunk = Buffer.alloc(64 * 1024, 'a')
  const pour = () => {
    while (!response.destroyed && response.write(chunk)) {}
  }
  response.on('drain', pour)
  pour()
}

function truncate({ status, headers, body }: Reply, response: ServerResponse): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.write(body.subarray(0, body.length >> 1), () => response.destroy())
}

function understate({ status, headers, body }: Reply, response: ServerResponse): void {
  response.writeHead(status, { ...headers, 'content-length': body.length >> 1, connection: 'close' })
  response.end(body)
}
