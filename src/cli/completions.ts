import type { Command } from './command.js'
import { optionsOf } from './help.js'

const SHELLS = 'bash zsh'

/** A bash script that completes commands, options and the ids of files. */
export function bashCompletions(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const cases = commands.map((command) => {
    const operands = takesId(command)
      ? `$("\${run[@]}" ls --quiet --kind file 2>/dev/null; "\${run[@]}" ls --quiet --kind channel 2>/dev/null)`
      : shells(command)
    return `    ${command.name}) options='${flags(command)}' operands="${operands}" ;;`
  })
  return `_mmfile() {
  local word=\${COMP_WORDS[COMP_CWORD]} options operands
  local -a run=(\${_mmfile_run:-mmfile})
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${names} --help --version' -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) return ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    */*) COMPREPLY=($(compgen -f -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$operands" -- "$word")) ;;
  esac
}
_mmfile_npx() {
  COMPREPLY=()
  if [ "\${COMP_WORDS[1]}" = mmfile ] && [ "$COMP_CWORD" -gt 1 ]; then
    local _mmfile_run='npx --no mmfile'
    COMP_WORDS=("\${COMP_WORDS[@]:1}")
    COMP_CWORD=$((COMP_CWORD - 1))
    _mmfile
  fi
}
complete -F _mmfile mmfile
complete -o default -F _mmfile_npx npx
`
}

/** The same for zsh, with a description of each. */
export function zshCompletions(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`)
  const cases = commands.map((command) => {
    const options = Object.entries(optionsOf(command)).map(([name, { type, hint, summary }]) => {
      const value = type === 'string' ? `:${hint ?? 'value'}:` : ''
      return quoted(`--${name}[${summary.replaceAll(/[[\]]/g, '\\$&')}]${value}`)
    })
    const operands = takesId(command)
      ? [`'*:ID:_mmfile_ids'`]
      : shells(command) === ''
        ? []
        : [`'1:shell:(${SHELLS})'`]
    return `    ${command.name}) _arguments ${[...options, ...operands].join(' ')} ;;`
  })
  return `_mmfile_ids() {
  local -a ids
  ids=(\${(f)"$(\${=_mmfile_run:-mmfile} ls --quiet --kind file 2>/dev/null; \${=_mmfile_run:-mmfile} ls --quiet --kind channel 2>/dev/null)"})
  compadd -a ids
  _files
}
_mmfile() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
_mmfile_npx() {
  if [[ $words[2] == mmfile ]] && (( CURRENT > 2 )); then
    local _mmfile_run='npx --no mmfile'
    shift words
    (( CURRENT-- ))
    _mmfile
  else
    _default
  fi
}
compdef _mmfile mmfile
compdef _mmfile_npx npx
`
}

function flags(command: Command): string {
  return Object.keys(optionsOf(command))
    .map((name) => `--${name}`)
    .join(' ')
}

function takesId({ operands }: Command): boolean {
  return operands[0]?.startsWith('ID') ?? false
}

function shells({ operands }: Command): string {
  return operands[0] === 'SHELL' ? SHELLS : ''
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
