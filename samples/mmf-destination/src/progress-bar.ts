export interface ProgressBar {
  update(progress: number): void
  /** Leaves the line on which the bar is drawn. */
  end(): void
}

const longestBar = 30
/** The brackets, and the percentage with its spaces. */
const frame = 9
/** Where the output is a file or a pipe, a line for every step is enough. */
const plainSteps = 4

/** On a terminal one line that is drawn over and over, elsewhere a few plain lines. */
export function createProgressBar(stream: NodeJS.WriteStream): ProgressBar {
  return stream.isTTY ? createLiveBar(stream) : createPlainBar(stream)
}

export function formatProgress(progress: number, columns?: number): string {
  // A bar that is wider than the terminal would start a new line each time it is drawn.
  const barWidth = Math.max(1, Math.min(longestBar, (columns || 80) - 1 - frame))
  const filled = Math.floor(progress * barWidth)
  const percent = String(Math.floor(progress * 100)).padStart(3)
  return `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ${percent} %`
}

function createLiveBar(stream: NodeJS.WriteStream): ProgressBar {
  let shown = ''
  return {
    update(progress) {
      const line = formatProgress(progress, stream.columns)
      if (line === shown) return
      stream.write(`\r${line}`)
      shown = line
    },
    end() {
      if (shown !== '') stream.write('\n')
    },
  }
}

function createPlainBar(stream: NodeJS.WriteStream): ProgressBar {
  let next = 0
  return {
    update(progress) {
      const step = Math.floor(progress * plainSteps)
      if (step < next) return
      stream.write(`${formatProgress(step / plainSteps)}\n`)
      next = step + 1
    },
    end() {},
  }
}
