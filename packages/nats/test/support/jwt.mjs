// An operator, an account and users as `nsc` makes them: what a server trusts, and what a user proves to be one with.

import { nkeys } from '@nats-io/nats-core'

const encoded = (value) => Buffer.from(value).toString('base64url')
const text = (bytes) => new TextDecoder().decode(bytes)
const WITHOUT_LIMIT = ['subs', 'data', 'payload', 'imports', 'exports', 'conn', 'leaf']
const JETSTREAM = ['mem_storage', 'disk_storage', 'streams', 'consumer']

/** A claim about a user or an account, signed by its issuer. */
function token(issuer, subject, nats) {
  const [iss, sub] = [issuer, subject].map((pair) => pair.getPublicKey())
  const iat = Math.floor(Date.now() / 1000)
  const claim = {
    jti: `${sub}${iat}`,
    iat,
    iss,
    name: nats.type,
    sub,
    nats: { version: 2, ...nats },
  }
  const signed = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claim]
    .map((part) => encoded(JSON.stringify(part)))
    .join('.')
  return `${signed}.${encoded(issuer.sign(Buffer.from(signed)))}`
}

function account(operator, names) {
  const pair = nkeys.createAccount()
  const limits = Object.fromEntries(names.map((name) => [name, -1]))
  const jwt = token(operator, pair, { type: 'account', limits: { ...limits, wildcards: true } })
  return { pair, line: `${pair.getPublicKey()}: ${jwt}` }
}

/** A server's configuration, and a function that makes the credentials of a user that it knows, or does not know. */
export function operatorMode() {
  const operator = nkeys.createOperator()
  const system = account(operator, WITHOUT_LIMIT)
  const own = account(operator, [...WITHOUT_LIMIT, ...JETSTREAM])
  const user = (issuer) => {
    const pair = nkeys.createUser()
    const jwt = token(issuer, pair, { type: 'user', subs: -1, data: -1, payload: -1 })
    const seed = text(pair.getSeed())
    const creds = `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`
    return { jwt, seed, creds }
  }
  const config = `
operator: ${token(operator, operator, { type: 'operator' })}
system_account: ${system.pair.getPublicKey()}
resolver: MEMORY
resolver_preload: { ${system.line}, ${own.line} }
`
  return { config, known: user(own.pair), unknown: user(nkeys.createAccount()) }
}
