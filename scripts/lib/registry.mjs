// A registry of packages on this machine alone: it has the tarballs of target/packages, so that npm
// chooses among the platform packages just as it will when they are published, and nothing else, or,
// if asked for, what another registry has.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** The package.json in a tarball of npm's: a tar of 512-byte blocks, each file behind its header. */
function manifestOf(tarball) {
  const tar = gunzipSync(tarball)
  const field = (at, length) =>
    tar
      .toString('latin1', at, at + length)
      .split('\0')[0]
      .trim()
  for (let at = 0; at < tar.length && field(at, 100) !== ''; ) {
    const size = Number.parseInt(field(at + 124, 12), 8)
    if (field(at, 100) === 'package/package.json')
      return JSON.parse(tar.toString('utf8', at + 512, at + 512 + size))
    at += 512 + 512 * Math.ceil(size / 512)
  }
  throw new Error('a tarball without package.json')
}

/**
 * Serves the tarballs of a folder, and sends those who ask for another package to `others`. Returns its
 * address, its packages, and a function that ends it.
 */
export async function serve(folder, { others } = {}) {
  const packages = new Map()
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    const tarball = readFileSync(join(folder, file))
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    const manifest = manifestOf(tarball)
    packages.set(manifest.name, { file, tarball, integrity, manifest })
  }
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url.slice(1))
    const file = [...packages.values()].find((one) => one.file === name)
    if (file) return response.end(file.tarball)
    const found = packages.get(name)
    if (!found && others)
      return response.writeHead(302, { location: new URL(request.url.slice(1), others).href }).end()
    if (!found) return response.writeHead(404).end('{}')
    const { manifest, integrity } = found
    const dist = { integrity, tarball: `${address}/${found.file}` }
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        name,
        'dist-tags': { latest: manifest.version },
        versions: { [manifest.version]: { ...manifest, dist } },
      }),
    )
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  const address = `http://127.0.0.1:${server.address().port}`
  return { address, packages, close: () => server.close() }
}
