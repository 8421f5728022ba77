// npm run fuzz -- --seconds 600 [--target open|scribble|race|disk|channel|javascript]: checks that every input leads to
// an error or data. With the stable compiler: LLVM's pass supplies the coverage, libFuzzer the rest. The target
// `javascript` runs the whole API under AddressSanitizer instead, while another process scribbles.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { sanitized } from './lib/asan.mjs'
import { root, run } from './lib/run.mjs'

/** The core's. */
export const TARGETS = ['open', 'scribble', 'race', 'disk', 'channel']
const JAVASCRIPT = 'javascript'
const FLAGS = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
  '--cfg=fuzzing',
]

/** Runs each target for a part of the time. New inputs are kept for the run alone, but for findings. */
export function fuzz({ seconds, targets = [...TARGETS, JAVASCRIPT], keep = false }) {
  const share = seconds / targets.length
  const native = targets.filter((target) => target !== JAVASCRIPT)
  const results = [native.length === 0 || fuzzCore(native, share, keep)]
  if (native.length < targets.length) results.push(fuzzJavascript(share))
  return results.every(Boolean)
}

/** Each round follows from a seed, but for what the other process does when. */
function fuzzJavascript(seconds) {
  build()
  const seed = Math.floor(Math.random() * 2 ** 31)
  const programs = ['hostile', 'channel-hostile'] // files, channels
  let ok = true
  const silent = sanitized((env) => {
    for (const name of programs) {
      console.log(`\n--- ${JAVASCRIPT}, ${name}: from seed ${seed}, ${seconds / programs.length} s`)
      const program = join(root, '__test__', 'support', `${name}.mjs`)
      const args = [program, 'race', String(seconds / programs.length), String(seed)]
      const ended = run(process.execPath, args, { env, quiet: true })
      console.log(ended.output)
      ok &&= ended.ok && ended.output.includes('"strange":[]')
    }
  })
  return silent && ok
}

function fuzzCore(targets, seconds, keep) {
  const version = run('rustc', ['-vV'], { quiet: true }).output
  const machine = /^host: (.*)$/m.exec(version)?.[1] ?? ''
  const folder = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'fuzz')
  const built = run(
    'cargo',
    // With an explicit target, so that build scripts are built without the flags.
    ['build', '--release', '--locked', '--target', machine, '--target-dir', folder],
    { cwd: join(root, 'fuzz'), env: { RUSTFLAGS: FLAGS.join(' ') } },
  )
  if (!built.ok) return false
  return targets.map((target) => one(target, folder, machine, seconds, keep)).every(Boolean)
}

function one(target, folder, machine, seconds, keep) {
  const corpus = join(root, 'fuzz', 'corpus', target)
  const findings = join(root, 'fuzz', 'artifacts', target)
  mkdirSync(findings, { recursive: true })
  const grown = mkdtempSync(join(tmpdir(), `mmfile-fuzz-${target}-`))
  try {
    console.log(`\n--- ${target}: ${readdirSync(corpus).length} inputs kept, ${seconds} s`)
    const limits = ['-max_len=4096', '-timeout=10', '-rss_limit_mb=1024', '-print_final_stats=1']
    const folders = keep ? [corpus] : [grown, corpus]
    const done = run(
      join(folder, machine, 'release', target),
      [
        ...limits,
        `-max_total_time=${Math.ceil(seconds)}`,
        `-artifact_prefix=${findings}/`,
        ...folders,
      ],
      { quiet: true },
    )
    const lines = done.output.trim().split('\n')
    const told = /^stat::|^#\d+\s+DONE|panicked|assertion|ERROR|SUMMARY|Test unit/
    console.log(
      lines
        .filter((line) => !done.ok || told.test(line))
        .slice(-60)
        .join('\n'),
    )
    return done.ok
  } finally {
    rmSync(grown, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      target: { type: 'string', multiple: true },
      keep: { type: 'boolean' }, // new inputs go into the corpus
    },
  })
  const { target: targets, keep } = values
  process.exit(fuzz({ seconds: Number(values.seconds), targets, keep }) ? 0 : 1)
}
