// npm run sanitize: JavaScript tests with the addon built under AddressSanitizer, which reports every
// access to memory that is not there, not any more, or not the caller's. `npm run sanitize -- FILE …`
// runs other test files than the chosen ones. It takes Linux, gcc's libasan, and some minutes.

import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { fail, root, run } from './lib.mjs'

const TARGET = 'x86_64-unknown-linux-gnu'
/** What touches memory in every way there is. */
const TESTS = [
  '14-close',
  '20-values',
  '21-capacity',
  '22-write-append',
  '24-views',
  '25-view-memory',
  '30-lock',
  '32-lock-await',
  '40-wait',
  '41-segments',
  '44-sealing',
  '66-workers',
  '72-hostile',
  '76-misuse',
  '76-misuse-processes',
].map((name) => `__test__/${name}.test.mjs`)

const library = run('gcc', ['-print-file-name=libasan.so'], { quiet: true }).output.trim()
if (!existsSync(library)) fail("AddressSanitizer takes gcc's libasan, which was not found.")
build()

const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'sanitize')
const env = {
  RUSTC_BOOTSTRAP: '1',
  RUSTFLAGS: '-Zsanitizer=address',
  CARGO_TARGET_DIR: target,
}
console.log('Building the addon under AddressSanitizer …')
if (!run('cargo', ['build', '-p', 'mmfile-node', '--target', TARGET], { env }).ok) {
  fail('The addon could not be built.')
}

const folder = mkdtempSync(join(tmpdir(), 'mmfile-sanitize-'))
const addon = join(folder, 'mmfile.node')
copyFileSync(join(target, TARGET, 'debug', 'libmmfile_node.so'), addon)
if (!readFileSync(addon).includes('__asan_report_load')) fail('The addon is not instrumented.')
const reports = join(folder, 'report')
const sanitized = {
  LD_PRELOAD: realpathSync(library),
  // Node.js frees next to nothing when it ends, so that leaks are not looked for.
  ASAN_OPTIONS: `detect_leaks=0:log_path=${reports}`,
}
const found = () => readdirSync(folder).filter((name) => name.startsWith('report'))
checkThatItReports()

const chosen = process.argv.length > 2 ? process.argv.slice(2) : TESTS
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
const done = run(process.execPath, [ava, '--timeout=10m', '--serial', ...chosen], {
  env: {
    NAPI_RS_NATIVE_LIBRARY_PATH: addon,
    ...sanitized,
    MMFILE_TEST_ROUNDS: process.env.MMFILE_TEST_ROUNDS ?? '0.1',
  },
})
for (const name of found()) console.error(readFileSync(join(folder, name), 'utf8'))
const count = found().length
rmSync(folder, { recursive: true, force: true })
if (count > 0) fail(`AddressSanitizer: ${count} reports`)
if (!done.ok) fail('AddressSanitizer reported nothing, but not all tests passed.')
console.log(`AddressSanitizer: no report from ${chosen.length} test files`)

/** Silence proves nothing of a sanitizer that is deaf: a library with a fault has to be reported. */
function checkThatItReports() {
  const faulty = join(folder, 'faulty.so')
  const source = join(folder, 'faulty.c')
  writeFileSync(
    source,
    `#include <stdlib.h>
    __attribute__((constructor)) static void fault(void) {
      volatile char *bytes = malloc(8);
      bytes[rand() % 2 + 8] = 1;
    }`,
  )
  const flags = ['-shared', '-fPIC', '-fsanitize=address', '-o', faulty, source]
  if (!run('gcc', flags).ok) fail('gcc could not build a library with a fault.')
  const load = `process.dlopen({ exports: {} }, ${JSON.stringify(faulty)})`
  run(process.execPath, ['-e', load], { env: sanitized, quiet: true })
  const reported = found()
  if (reported.length !== 1) fail('AddressSanitizer did not report a fault that was made for it.')
  for (const name of reported) rmSync(join(folder, name))
}
