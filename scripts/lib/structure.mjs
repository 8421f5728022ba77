// The structure of the core's sources: no cycle between files on any platform, no #[path], and above
// src/platform no cfg that tells platforms apart but `platform = "…"`.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

const PLATFORMS = ['linux', 'macos', 'windows', 'loom']
const sources = join(root, 'crates/mmfile-core/src')

const rustFiles = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.rs'))

/** The faults, a line each. */
export function structureFaults() {
  const faults = []
  const crate = join(root, 'crates/mmfile-core')
  for (const file of rustFiles(crate)) {
    const text = readFileSync(join(crate, file), 'utf8')
    if (/^\s*#\[path/m.test(text)) faults.push(`${file}: #[path]`)
    const above = file.startsWith('src/') && !file.startsWith('src/platform/')
    const attributes = above ? text.matchAll(/#!?\[cfg[^\n]*|cfg!\([^\n]*/g) : []
    for (const [cfg] of attributes)
      if (/\b(windows|unix|target_os|loom(?!"))\b/.test(cfg.replaceAll(/"[^"]*"/g, '""')))
        faults.push(`${file}: ${cfg}`)
  }
  const modules = readModules()
  for (const platform of PLATFORMS)
    for (const cycle of cycles(graph(modules, platform)))
      faults.push(`on ${platform}: ${cycle.map((name) => modules.get(name).file).join(' -> ')}`)
  return [...new Set(faults)]
}

/** Every file by the name of its module, with its imports and re-exports. */
function readModules() {
  const modules = new Map()
  for (const file of rustFiles(sources))
    modules.set(file.replace(/(\/?mod|^lib)?\.rs$/, '').replaceAll('/', '::'), { file })
  for (const [name, module] of modules) {
    const text = readFileSync(join(sources, module.file), 'utf8')
      .replace(/#\[cfg\((all\()?test[\s\S]*$/, '')
      .replaceAll(/\/\/.*/g, '')
    const imports = [...text.matchAll(/(\bpub(?:\([^)]*\))? )?\buse ([^;]+);/g)].flatMap(
      ([, exported, tree]) =>
        leaves(tree).map(({ path, as }) => ({ path: absolute(name, path, modules), as, exported })),
    )
    const inline = text.replaceAll(/\buse [^;]+;/g, '').matchAll(/\b(?:crate|super)(?:::\w+)+/g)
    for (const [path] of inline) imports.push({ path: absolute(name, path, modules) })
    module.imports = imports.filter(({ path }) => path?.length > 0)
  }
  return modules
}

/** The paths of a use tree, and under which name each is known then. */
function leaves(tree) {
  const [, before, inside] = /^([^{]*)\{([\s\S]*)\}$/.exec(tree.trim()) ?? []
  if (inside === undefined) {
    const [path, as = path.split('::').at(-1)] = tree.trim().split(/\s+as\s+/)
    return [{ path, as }]
  }
  const parts = ['']
  let depth = 0
  for (const char of inside) {
    depth += { '{': 1, '}': -1 }[char] ?? 0
    if (char === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  const filled = parts.filter((part) => part.trim() !== '')
  return filled.flatMap(leaves).map(({ path, as }) => ({ path: before.trim() + path, as }))
}

/** A path from the crate's root on, in parts; nothing for one that leads out of it. */
function absolute(module, path, modules) {
  const parts = path.split('::').filter((part, at) => part !== 'self' || at === 0)
  const base = module === '' ? [] : module.split('::')
  if (parts[0] === 'crate') return parts.slice(1)
  if (parts[0] === 'self') return [...base, ...parts.slice(1)]
  while (parts[0] === 'super') {
    base.pop()
    parts.shift()
    if (parts[0] !== 'super') return [...base, ...parts]
  }
  return modules.has([...base, parts[0]].join('::')) ? [...base, ...parts] : undefined
}

/** Which module of a platform takes something from which others. */
function graph(modules, platform) {
  const isHere = (name) => {
    const [top, second] = name.split('::')
    if (top === 'object' && second === 'files') return platform !== 'windows'
    if (top !== 'platform') return true
    if (second === 'unix') return platform === 'linux' || platform === 'macos'
    return !PLATFORMS.includes(second) || second === platform
  }
  /** The modules in which what a path names is defined: through what others pass on. */
  const defined = (path, seen = new Set()) => {
    const key = path.join('::')
    if (seen.has(key)) return []
    seen.add(key)
    let depth = path.length
    while (depth > 0 && !modules.has(path.slice(0, depth).join('::'))) depth--
    const module = path.slice(0, depth).join('::')
    if (!isHere(module)) return []
    const [item, ...rest] = path.slice(depth)
    if (item === undefined) return [module]
    const { imports } = modules.get(module)
    const named = imports.filter(({ as, exported }) => as === item && exported)
    const found = named.flatMap(({ path }) => defined([...path, ...rest], seen))
    if (found.length > 0) return found
    const text = readFileSync(join(sources, modules.get(module).file), 'utf8')
    if (new RegExp(`\\b(fn|struct|enum|trait|type|const|static) ${item}\\b`).test(text))
      return [module]
    const globs = imports.filter(({ as, exported }) => as === '*' && exported)
    return globs.flatMap(({ path }) => defined([...path.slice(0, -1), item, ...rest], seen))
  }
  return new Map(
    [...modules]
      .filter(([name]) => isHere(name))
      .map(([name, { imports }]) => {
        const taken = imports.filter(({ exported }) => !exported)
        const from = taken.flatMap(({ path, as }) => defined(as === '*' ? path.slice(0, -1) : path))
        return [name, new Set(from.filter((other) => other !== name))]
      }),
  )
}

/** One cycle for each import that leads back. */
function cycles(edges) {
  const found = []
  const done = new Set()
  const visit = (name, way) => {
    if (way.includes(name)) found.push([...way.slice(way.indexOf(name)), name])
    if (way.includes(name) || done.has(name)) return
    for (const next of edges.get(name) ?? []) visit(next, [...way, name])
    done.add(name)
  }
  for (const name of edges.keys()) visit(name, [])
  return found
}
