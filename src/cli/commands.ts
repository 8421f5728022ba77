import { evict, send } from './channels.js'
import type { Command } from './command.js'
import { UsageError } from './command.js'
import { bashCompletions, zshCompletions } from './completions.js'
import { inspect, ls, peers, rm, sweepCommand } from './listing.js'
import { write } from './output.js'
import { append, cat, follow, seal } from './segments.js'
import { top } from './top/command.js'

const SHELLS: Record<string, (commands: readonly Command[]) => string> = {
  bash: bashCompletions,
  zsh: zshCompletions,
}

const completions: Command = {
  name: 'completions',
  operands: ['SHELL'],
  summary: "Print the completions for 'bash' or 'zsh'",
  details: `bash:  eval "$(mmfile completions bash)"     in ~/.bashrc
zsh:   eval "$(mmfile completions zsh)"      in ~/.zshrc, after compinit
They complete 'npx mmfile' as well, where the command is installed in the project.`,
  example: 'eval "$(npx mmfile completions bash)"',
  options: {},
  run({ operands: [shell = ''] }) {
    const script = SHELLS[shell]
    if (script === undefined)
      throw new UsageError(`there are completions for bash and zsh, not for '${shell}'`)
    return write(script(commands))
  },
}

/** Every command, in the order in which help shows them. */
export const commands: readonly Command[] = [
  ls,
  inspect,
  cat,
  follow,
  append,
  send,
  seal,
  peers,
  evict,
  rm,
  sweepCommand,
  top,
  completions,
]
