import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { UsageError } from './usage.js'

/** What says how the server is reached, by the names that contexts have for it. */
interface Settings {
  url?: string | undefined
  user?: string | undefined
  password?: string | undefined
  token?: string | undefined
  creds?: string | undefined
  nkey?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  ca?: string | undefined
  tls_first?: boolean | undefined
  jetstream_domain?: string | undefined
}

type Given = Readonly<Record<string, string | boolean | undefined>>

/** What options, the environment and a context say, in that order, as for the `nats` command. */
export function settingsOf(options: Given, env: NodeJS.ProcessEnv): Settings {
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined)
  const url = text('server')
  if (url !== undefined && /\/\/[^/,]*@/.test(url)) {
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
  const file = join(folder, 'context', `${chosen}.json`)
  const text = read(file)
  if (text === undefined) throw new UsageError(`there is no context '${chosen}': ${file}`)
  const settings = JSON.parse(text) as Settings & { nsc?: string }
  const found = Object.entries(settings).filter(([, value]) => value !== '' && value !== undefined)
  return Object.fromEntries(found)
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

/** Connects, and goes on trying for ever, also if there is no server yet. */
export function connectTo(settings: Settings, name: string): Promise<NatsConnection> {
  const { user, password, token, creds, nkey, cert, key, ca, tls_first: first } = settings
  const authenticator: NonNullable<ConnectionOptions['authenticator']> = []
  if (Array.isArray(authenticator)) {
    if (user && password === undefined) authenticator.push(tokenAuthenticator(user))
    else if (user) authenticator.push(usernamePasswordAuthenticator(user, password))
    if (token) authenticator.push(tokenAuthenticator(token))
    // Read each time, as they are replaced while the command runs.
    if (creds) authenticator.push((nonce) => credsAuthenticator(readFileSync(file(creds)))(nonce))
    if (nkey) authenticator.push((nonce) => nkeyAuthenticator(seedOf(nkey))(nonce))
  }
  const tls = {
    ...(cert ? { certFile: file(cert) } : {}),
    ...(key ? { keyFile: file(key) } : {}),
    ...(ca ? { caFile: file(ca) } : {}),
    ...(first ? { handshakeFirst: true } : {}),
  }
  return connect({
    name,
    servers: (settings.url || 'nats://127.0.0.1:4222').split(',').map((one) => one.trim()),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    waitOnFirstConnect: true,
    noAsyncTraces: true,
    ...(Array.isArray(authenticator) && authenticator.length > 0 ? { authenticator } : {}),
    ...(Object.keys(tls).length > 0 ? { tls } : {}),
  })
}

function seedOf(path: string): Uint8Array {
  const seed = /\bS[A-Z2-7]{20,}\b/.exec(readFileSync(file(path), 'utf8'))?.[0]
  if (seed === undefined) throw new UsageError(`${path} has no nkey's seed`)
  return new TextEncoder().encode(seed)
}

/** Contexts may name files in the home folder. */
function file(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
}
