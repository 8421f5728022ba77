// The addon built under AddressSanitizer, which reports every access to memory that is not there, not any
// more, or not the caller's. It takes Linux and gcc's libasan.

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
import { fail, root, run } from './run.mjs'

const TARGET = 'x86_64-unknown-linux-gnu'

/** Builds it, has `use` run programs in that environment, and returns whether nothing was reported. */
export function sanitized(use) {
  const library = run('gcc', ['-print-file-name=libasan.so'], { quiet: true }).output.trim()
  if (!existsSync(library)) fail("AddressSanitizer takes gcc's libasan, which was not found.")
  const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'sanitize')
  const flags = {
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: '-Zsanitizer=address',
    CARGO_TARGET_DIR: target,
  }
  console.log('Building the addon under AddressSanitizer …')
  if (!run('cargo', ['build', '-p', 'mmfile-node', '--target', TARGET], { env: flags }).ok) {
    fail('The addon could not be built.')
  }
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-sanitize-'))
  try {
    const addon = join(folder, 'mmfile.node')
    copyFileSync(join(target, TARGET, 'debug', 'libmmfile_node.so'), addon)
    if (!readFileSync(addon).includes('__asan_report_load')) fail('The addon is not instrumented.')
    const env = {
      LD_PRELOAD: realpathSync(library),
      // Node.js frees next to nothing when it ends, so that leaks are not looked for.
      ASAN_OPTIONS: `detect_leaks=0:log_path=${join(folder, 'report')}`,
    }
    const found = () => readdirSync(folder).filter((name) => name.startsWith('report'))
    checkThatItReports(folder, env, found)
    use({ NAPI_RS_NATIVE_LIBRARY_PATH: addon, ...env })
    for (const name of found()) console.error(readFileSync(join(folder, name), 'utf8'))
    if (found().length > 0) console.error(`AddressSanitizer: ${found().length} reports`)
    return found().length === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Silence proves nothing of a sanitizer that is deaf: a library with a fault has to be reported. */
function checkThatItReports(folder, env, found) {
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
  run(process.execPath, ['-e', load], { env, quiet: true })
  const reported = found()
  if (reported.length !== 1) fail('AddressSanitizer did not report a fault that was made for it.')
  for (const name of reported) rmSync(join(folder, name))
}
