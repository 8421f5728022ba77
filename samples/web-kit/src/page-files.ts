import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'

export interface PageFile {
  body: string
  type: string
}

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * Every file of the pages by its path in the address: `mmf-source/page/main.js`. They are read once, so
 * no request ever names a file on the disk. The paths are the same as those of the sources, so an
 * import from one package's page to another's is correct for both the compiler and the browser.
 */
export function readPageFiles(packages: readonly string[]): Map<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const folder of packages) {
    // The compiled files, and those that are served unchanged.
    for (const place of [join(folder, 'dist', 'page'), join(folder, 'page')]) {
      if (!existsSync(place)) continue
      for (const name of readdirSync(place)) {
        const type = types[extname(name)]
        if (type === undefined) continue
        files.set(`${basename(folder)}/page/${name}`, {
          body: readFileSync(join(place, name), 'utf8'),
          type,
        })
      }
    }
  }
  return files
}
