const graphemes = new Intl.Segmenter()

/** Scripts and symbols that a terminal draws two columns wide. */
const wide =
  /^(?:\p{Emoji_Presentation}|.*\u{FE0F}|[\u{1100}-\u{115F}\u{2E80}-\u{303E}\u{3041}-\u{A4CF}\u{A960}-\u{A97C}\u{AC00}-\u{D7A3}\u{F900}-\u{FAFF}\u{FE30}-\u{FE6F}\u{FF00}-\u{FF60}\u{FFE0}-\u{FFE6}\u{20000}-\u{3FFFD}])/u

/** Combining marks and format characters that stand alone; they take no room. */
const invisible = /^[\p{Mark}\p{Format}]+$/u

/**
 * Characters that would not be shown as themselves: control characters (some terminals obey even
 * U+0080 to U+009F), the marks that reverse the direction of a whole line, separators of lines, lone
 * surrogates.
 */
const unprintable =
  /[\p{Control}\p{Surrogate}\u{061C}\u{200E}\u{200F}\u{2028}-\u{202E}\u{2066}-\u{2069}\u{FEFF}]/gu

/** Makes foreign text fit for one line of a terminal: characters that would control the terminal are spelled out. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const spelled = JSON.stringify(character).slice(1, -1)
    if (spelled.startsWith('\\')) return spelled
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

/** Cuts a text into lines of at most so many columns, between words where there are any. */
export function wrap(text: string, columns: number, maxLines: number): string[] {
  const lines: string[] = []
  let line = ''
  let width = 0
  for (const { segment } of graphemes.segment(text)) {
    const added = graphemeWidth(segment)
    if (width + added > columns && line !== '') {
      if (lines.length === maxLines - 1) return [...lines, shorten(line, columns)]
      const space = segment === ' ' ? line.length : line.lastIndexOf(' ')
      const cut = space > 0 ? space : line.length
      lines.push(line.slice(0, cut))
      line = line.slice(cut).trimStart()
      width = displayWidth(line)
      if (segment === ' ' && line === '') continue
    }
    line += segment
    width += added
  }
  return [...lines, line]
}

function shorten(line: string, columns: number): string {
  let kept = ''
  for (const { segment } of graphemes.segment(line)) {
    if (displayWidth(kept + segment) > columns - 1) break
    kept += segment
  }
  return `${kept}…`
}

function graphemeWidth(grapheme: string): number {
  if (wide.test(grapheme)) return 2
  return invisible.test(grapheme) ? 0 : 1
}
