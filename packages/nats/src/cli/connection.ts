import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  jwtAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { pause } from '../wait.js'
import { UsageError } from './usage.js'

/** The connection settings, by the names that contexts use. */
interface Settings {
  url?: string | undefined
  user?: string | undefined
  password?: string | undefined
  token?: string | undefined
  creds?: string | undefined
  nkey?: string | undefined
  user_jwt?: string | undefined
  user_seed?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  ca?: string | undefined
  tls_first?: boolean | undefined
  inbox_prefix?: string | undefined
  jetstream_domain?: string | undefined
  jetstream_api_prefix?: string | undefined
}

type Given = Readonly<Record<string, string | boolean | undefined>>

const DEFAULT_URL = 'nats://127.0.0.1:4222'
/** Settings of contexts that this command does not support. */
const UNKNOWN = ['nsc', 'socks_proxy', 'windows_cert_store']
/** Errors after which trying again makes no sense. */
const REFUSED = ['AuthorizationError', 'UserAuthenticationExpiredError']
const AGAIN = 1000

/** The settings of the options, the environment and a context, in that order, as for the `nats` command. */
export function settingsOf(options: Given, env: NodeJS.ProcessEnv): Settings {
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined)
  const url = text('server')
  if (url?.includes('@')) {
    throw new UsageError(
      '--server takes no user and no password, which ps would show: set NATS_URL, or NATS_USER and NATS_PASSWORD',
    )
  }
  const said: Settings = {
    url: url ?? env.NATS_URL,
    user: env.NATS_USER,
    password: env.NATS_PASSWORD,
    token: env.NATS_TOKEN,
    creds: text('creds') ?? env.NATS_CREDS,
    nkey: text('nkey') ?? env.NATS_NKEY,
    cert: text('tlscert') ?? env.NATS_CERT,
    key: text('tlskey') ?? env.NATS_KEY,
    ca: text('tlsca') ?? env.NATS_CA,
    tls_first: options.tlsfirst === true || undefined,
    jetstream_domain: text('js-domain'),
  }
  const known = Object.entries(said).filter(([, value]) => value !== undefined && value !== '')
  return { ...contextOf(text('context') ?? env.NATS_CONTEXT, env), ...Object.fromEntries(known) }
}

/** A context of the `nats` command: the one of that name, or the one that it has selected. */
function contextOf(name: string | undefined, env: NodeJS.ProcessEnv): Settings {
  const folder = join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'nats')
  const chosen = name || read(join(folder, 'context.txt'))?.trim()
  if (!chosen) return {}
  if (/[\\/]|\.\./.test(chosen)) throw new UsageError(`'${chosen}' is no name of a context`)
  const path = join(folder, 'context', `${chosen}.json`)
  const text = read(path)
  if (text === undefined) throw new UsageError(`there is no context '${chosen}': ${path}`)
  const settings = Object.entries(objectOf(text, path))
  const found = settings.filter(([, value]) => value !== '' && value !== undefined)
  for (const [key] of found)
    if (UNKNOWN.includes(key)) throw new UsageError(`${path} has '${key}', which is not supported`)
  return Object.fromEntries(found)
}

function objectOf(text: string, path: string): object {
  try {
    const object: unknown = JSON.parse(text)
    if (typeof object === 'object' && object !== null) return object
  } catch {}
  throw new UsageError(`${path} is no context: it has no JSON object`)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

/** Connects, and keeps trying until the signal aborts, also if there is no server yet. */
export async function connectTo(
  settings: Settings,
  name: string,
  signal: AbortSignal,
  onRetry: (error: Error) => void,
): Promise<NatsConnection | undefined> {
  const options = optionsOf(settings, name)
  const ended = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  while (!signal.aborted) {
    try {
      return await Promise.race([connect(options), ended])
    } catch (error) {
      if (REFUSED.includes((error as Error).name)) throw error
      onRetry(reasonOf(error as Error))
      await pause(AGAIN, signal)
    }
  }
  return undefined
}

/** The message of the system or of TLS, if there is one. */
function reasonOf(error: Error): Error {
  const { cause } = error
  if (cause instanceof AggregateError) return (cause.errors[0] as Error | undefined) ?? error
  return cause instanceof Error ? cause : error
}

function optionsOf(settings: Settings, name: string): ConnectionOptions {
  const { servers, ...found } = serversOf(settings.url || DEFAULT_URL)
  const known = { ...settings, ...found }
  const authenticator = authenticatorsOf(known)
  const tls = tlsOf(known)
  const { inbox_prefix: inboxPrefix } = known
  return {
    name,
    servers,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // A network that only falls silent is found out in some fifteen seconds, and not in six minutes.
    pingInterval: 5000,
    noAsyncTraces: true,
    ...(authenticator.length > 0 ? { authenticator } : {}),
    ...(Object.keys(tls).length > 0 ? { tls } : {}),
    ...(inboxPrefix ? { inboxPrefix } : {}),
  }
}

/** Servers, without the user and password, or the token, that an address in the environment may have. */
function serversOf(url: string): { servers: string[]; user?: string; password?: string } {
  let found = {}
  const servers = url.split(',').map((one) => {
    const [, scheme = '', secret, host = ''] = /^(\w+:\/\/)?(?:(.*)@)?(.*)$/.exec(one.trim()) ?? []
    if (secret !== undefined) {
      const [user = '', ...rest] = secret.split(':')
      const password = rest.length > 0 ? { password: decodeURIComponent(rest.join(':')) } : {}
      found = { user: decodeURIComponent(user), password: undefined, ...password }
    }
    return `${scheme}${host}`
  })
  return { servers, ...found }
}

function authenticatorsOf(settings: Settings): Authenticator[] {
  const { user, password, token, creds, nkey, user_jwt: jwt, user_seed: seed } = settings
  const authenticators: Authenticator[] = []
  // Parsed once before it is needed, to report errors in it early.
  const add = (what: string, authenticator: Authenticator) => {
    named(what, () => authenticator('nonce'))
    authenticators.push(authenticator)
  }
  if (user && password === undefined) authenticators.push(tokenAuthenticator(user))
  else if (user) authenticators.push(usernamePasswordAuthenticator(user, password))
  if (token) authenticators.push(tokenAuthenticator(token))
  if (jwt && seed) add("the context's user_jwt", jwtAuthenticator(jwt, bytesOfText(seed)))
  // Read each time, as they are replaced while the command runs.
  if (creds) add(creds, (nonce) => credsAuthenticator(bytesOf(creds))(nonce))
  if (nkey) add(nkey, (nonce) => nkeyAuthenticator(seedOf(nkey))(nonce))
  return authenticators
}

function seedOf(path: string): Uint8Array {
  const seed = /\bS[A-Z2-7]{20,}\b/.exec(bytesOf(path).toString())?.[0]
  if (seed === undefined) throw new Error(`there is no nkey's seed in it`)
  return bytesOfText(seed)
}

function tlsOf({ cert, key, ca, tls_first: first }: Settings) {
  if (cert) named(cert, () => new X509Certificate(bytesOf(cert)))
  if (key) named(key, () => createPrivateKey(bytesOf(key)))
  if (ca) named(ca, () => new X509Certificate(bytesOf(ca)))
  return {
    ...(cert ? { certFile: pathOf(cert) } : {}),
    ...(key ? { keyFile: pathOf(key) } : {}),
    ...(ca ? { caFile: pathOf(ca) } : {}),
    ...(first ? { handshakeFirst: true } : {}),
  }
}

/** Errors of the file or channel name it. */
function named(what: string, use: () => unknown): void {
  try {
    use()
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') throw error
    throw new UsageError(`${what} cannot be used: ${message}`)
  }
}

function bytesOfText(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function bytesOf(path: string): Buffer {
  return readFileSync(pathOf(path))
}

/** Contexts may name files in the home folder. */
function pathOf(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
}
