import { timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'

/** Nothing inline, nothing from elsewhere, and no way to turn a text into markup or a script. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const headers: Record<string, string> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // The address holds the token, so no other page may learn it.
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export function secureHeaders(): MiddlewareHandler {
  return async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store')
  }
}

export interface Guarded {
  /** Such as 127.0.0.1:8080, known only once the server listens. */
  host(): string
  /** The first part of every path. */
  token: string
}

/**
 * Accepts requests from a page of this server, or from a user who opens its address.
 *
 * - Host: a foreign name that was made to point to 127.0.0.1 (DNS rebinding) is still in the header.
 * - Origin: browsers send it with everything that another page could have been the cause of.
 * - The token: other users of the machine reach the port, too.
 */
export function guard({ host, token }: Guarded): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.header('host') !== host()) {
      return refuse(c, 421, `This server answers to http://${host()} only.`)
    }
    const origin = c.req.header('origin')
    const mustHaveOrigin = c.req.method !== 'GET' && c.req.method !== 'HEAD'
    if (origin === undefined ? mustHaveOrigin : origin !== `http://${host()}`) {
      return refuse(c, 403, 'This request comes from another page.')
    }
    if (!isSame(c.req.path.split('/')[1] ?? '', token)) {
      return refuse(c, 403, 'The address is not complete: open the one that the program printed.')
    }
    return next()
  }
}

function refuse(c: Context, status: 403 | 421, text: string): Response {
  return c.text(`${text}\n`, status)
}

/** Takes as long for a token that is nearly right as for one that is all wrong. */
function isSame(given: string, token: string): boolean {
  const left = Buffer.from(given)
  const right = Buffer.from(token)
  return left.length === right.length && timingSafeEqual(left, right)
}
