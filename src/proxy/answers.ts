import type { ServerResponse } from 'node:http'
import type { Verdict } from '../policy/types.ts'
import { refusals } from '../report/refusal.ts'
import { escapeText } from '../util/text.ts'

/** A refusal on one line, for a package manager to print. */
export function refusalText(verdicts: readonly Verdict[], folder: string): string {
  const [first, ...others] = refusals(verdicts, folder)
  if (first === undefined) return 'provenance-gate refused it'
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  const rule = first.rule === 'none' ? 'no rule' : `rule ${first.rule}`
  return `provenance-gate refused ${first.package}${more}: ${first.code} (${rule}): found ${first.found}; expected ${first.expected}`
}

/**
 * An answer that says why. 403, for no client tries that again. Some print the body's `error`, some its `message`, and yarn classic
 * and bun the status line alone.
 */
export function forbid(response: ServerResponse, text: string): void {
  sendError(response, 403, text)
}

/** What could not be asked or handed on. Clients may try again. */
export function fail(response: ServerResponse, problem: string): void {
  sendError(response, 502, `provenance-gate: ${escapeText(problem)}`)
}

function sendError(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const body = JSON.stringify({ error: text, message: text })
  const reason = text.replace(/[^\x20-\x7e]/g, '?').slice(0, 800)
  response.writeHead(status, reason, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
