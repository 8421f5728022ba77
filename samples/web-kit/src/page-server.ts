import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { guard, secureHeaders } from './guard.js'
import { readPageFiles } from './page-files.js'

export interface PageOptions {
  /** The folder of the package whose page/index.html this is. */
  folder: string
  /** Adds the program's own routes; they are reached below the token. */
  routes(app: Hono): void
  /** Called for every permitted request. */
  onRequest?: (() => void) | undefined
  /** Any free one if absent or 0. */
  port?: number | undefined
}

export interface PageServer {
  /** The address for the user to open: it contains the token. */
  readonly address: string
  /** Resolves once the responses that were begun are complete, or have had a moment for it. */
  close(): Promise<void>
}

const largestBody = 4 * 2 ** 20
/** Milliseconds. Longer than a response takes, and short for a user who asked the program to end. */
const farewell = 300

/** A page on the loopback interface, for the person who started the program alone. */
export async function servePage({
  folder,
  routes,
  onRequest,
  port = 0,
}: PageOptions): Promise<PageServer> {
  const token = randomBytes(24).toString('base64url')
  let host = ''
  const pages = new Hono()
  pages.use(async (_, next) => {
    onRequest?.()
    await next()
  })
  pages.use(
    bodyLimit({
      maxSize: largestBody,
      onError: (c) => c.json({ message: 'This is too long.' }, 413),
    }),
  )
  routes(pages)
  const files = readPageFiles([folder, join(__dirname, '..')])
  const index = `${basename(folder)}/page/index.html`
  pages.get('*', (c) => {
    const path = c.req.path.slice(token.length + 2)
    const file = files.get(path === '' ? index : path)
    return file ? c.body(file.body, 200, { 'Content-Type': file.type }) : c.notFound()
  })

  const app = new Hono()
  app.use(secureHeaders())
  app.use(guard({ host: () => host, token }))
  app.get(`/${token}`, (c) => c.redirect(`/${token}/`))
  app.route(`/${token}`, pages)
  app.notFound((c) => c.json({ message: 'There is nothing at this address.' }, 404))
  app.onError((error, c) => {
    console.error(error)
    return c.json({ message: error.message }, 500)
  })

  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  await listen(server, port)
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { address: `http://${host}/${token}/`, close: () => close(server) }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), farewell)
  // Connections that browsers keep for later become idle one by one.
  const idle = setInterval(() => server.closeIdleConnections(), 20)
  await closed
  clearTimeout(timer)
  clearInterval(idle)
}
