// The command in a shell and on a terminal: completions, and colours on a terminal only.

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import test from 'ava'
import { NamedMutex } from 'mmfile'
import { bin } from '../support/cli.mjs'
import { closing, create, uniqueId } from '../support/files.mjs'

/** A folder with a command `mmfile`, first on the PATH. */
function withCommand(t) {
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-shell-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'mmfile')
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`)
  chmodSync(path, 0o755)
  // Without the other variables that decide about colours, such as CI.
  const env = { HOME: folder, PATH: `${folder}${delimiter}${process.env.PATH}` }
  for (const name of ['NODE_OPTIONS', 'MMFILE_DIRECTORY']) {
    if (process.env[name]) env[name] = process.env[name]
  }
  return (program, args, more = {}) =>
    spawnSync(program, args, { env: { ...env, ...more }, encoding: 'utf8' })
}

const has = (program, ...args) => spawnSync(program, args).status === 0
/** A test that is skipped if something is missing; its title says so. */
const needs = (what, isThere) => (title, run) =>
  isThere ? test(title, run) : test.skip(`${title} (needs ${what})`, run)
const inBash = needs('bash', has('bash', '--version'))
const inZsh = needs('zsh with zpty', has('zsh', '-c', 'zmodload zsh/zpty'))
const onTerminal = needs('Python, for a terminal', has('python3', '-c', 'import pty'))

inBash('bash completes commands, options and ids', (t) => {
  const file = create(t)
  const call = withCommand(t)
  const complete = (...words) => {
    const script = `eval "$(mmfile completions bash)"
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _mmfile; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr, status } = call('bash', ['-c', script, 'bash', 'mmfile', ...words])
    t.deepEqual([status, stderr], [0, ''])
    return stdout.trim().split('\n')
  }
  t.deepEqual(complete('s'), ['send', 'seal', 'sweep'])
  t.deepEqual(complete('c'), ['cat', 'completions'])
  t.deepEqual(complete('follow', '--r'), ['--require-peer'])
  t.deepEqual(complete('cat', '--'), [
    '--bytes',
    '--json',
    '--from',
    '--limit',
    '--encoding',
    '--kind',
    '--directory',
    '--data-prefix',
    '--channel-prefix',
    '--mutex-prefix',
    '--help',
  ])
  t.deepEqual(complete('cat', file.id.slice(0, 20)), [file.id])
  const mutex = closing(t, NamedMutex.open(uniqueId('completed')))
  t.deepEqual(complete('cat', mutex.name), [''], 'a mutex is no file')
  t.deepEqual(complete('completions', ''), ['bash', 'zsh'])
  t.deepEqual(complete('nonsense', 'x'), [''])
  const npx = `eval "$(mmfile completions bash)"; npx() { shift; "$@"; }; export -f npx
    COMP_WORDS=(npx mmfile cat ${file.id.slice(0, 20)}) COMP_CWORD=3; npx() { shift 2; mmfile "$@"; }
    _mmfile_npx; printf '%s\\n' "\${COMPREPLY[@]}"`
  t.is(call('bash', ['-c', npx]).stdout, `${file.id}\n`)
})

inZsh('zsh completes commands, options and ids', (t) => {
  const file = create(t)
  const call = withCommand(t)
  const complete = (line) => {
    const script = `zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z "PS1=; unset zle_bracketed_paste; autoload -U compinit; compinit -u -D"
      zpty -w z "eval \\"\\$(mmfile completions zsh)\\"; print rea'dy'"
      zpty -r z answer '*ready*'
      zpty -w -n z ${JSON.stringify(line)}$'\\t'
      sleep 2
      while zpty -rt z answer; do print -rn -- "$answer"; done
      zpty -d z`
    const { stdout } = call('zsh', ['-f', '-c', script], { TERM: 'dumb' })
    return stdout
  }
  t.regex(complete('mmfile sw'), /mmfile sweep/)
  t.regex(complete('mmfile follow --req'), /--require-peer/)
  t.true(complete(`mmfile cat ${file.id.slice(0, 20)}`).includes(file.id))
})

onTerminal('colours are for terminals that allow them', (t) => {
  create(t)
  const call = withCommand(t)
  const shown = (env) => {
    const script = 'import pty, sys; sys.exit(pty.spawn(["mmfile", "ls"]))'
    const { stdout, status } = call('python3', ['-c', script], { TERM: 'xterm', ...env })
    t.is(status, 0)
    t.true(stdout.includes('CAPACITY'))
    return stdout
  }
  t.true(shown({}).includes('\x1b[1m'))
  t.false(shown({ NO_COLOR: '1' }).includes('\x1b'))
  t.false(shown({ TERM: 'dumb' }).includes('\x1b'))
  const { stdout } = call('mmfile', ['ls'], { TERM: 'xterm' })
  t.false(stdout.includes('\x1b'))
})
