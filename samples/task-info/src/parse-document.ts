import { parseXml, type XmlElement, XmlError } from '@rgrove/parse-xml'
import { type Place, TaskInfoError } from './error.js'

export interface ParsedDocument {
  root: XmlElement
  placeOf(element: XmlElement): Place
}

/** Everything about XML itself; other modules interpret the elements. */
export function parseDocument(input: string): ParsedDocument {
  // The standard has line ends normalized before parsing. The parser does it as well, but text node by
  // text node, in a time that grows with the square of the number of carriage returns.
  const xml = input.replace(/\r\n?/g, '\n')
  refuseDoctype(xml)
  try {
    const { root } = parseXml(xml, { includeOffsets: true })
    // The parser has refused a text without a root element.
    return { root: root as XmlElement, placeOf: (element) => placeAt(xml, element.start) }
  } catch (error) {
    throw explain(error, xml)
  }
}

function explain(error: unknown, xml: string): unknown {
  if (error instanceof XmlError) {
    const problem = error.message.slice(0, error.message.indexOf(' (line '))
    const place = placeAt(xml, toOffset(xml, error.pos))
    return new TaskInfoError('ERR_TASKINFO_SYNTAX', `not well-formed XML: ${problem}`, place, {
      cause: error,
    })
  }
  // The parser is recursive: elements nested by the thousand run it out of stack.
  if (error instanceof RangeError) {
    const problem = 'the elements are nested too deeply to be read'
    return new TaskInfoError('ERR_TASKINFO_SYNTAX', problem, {}, { cause: error })
  }
  return error
}

/**
 * A document type declaration is possible only before the root element, among comments and processing
 * instructions. It is searched for by hand because the parser would report its contents (entities,
 * say) and not the declaration.
 */
function refuseDoctype(xml: string): void {
  let at = xml.startsWith('\uFEFF') ? 1 : 0
  for (;;) {
    while (/[ \t\n]/.test(xml.charAt(at))) at += 1
    if (xml.startsWith('<!DOCTYPE', at)) {
      const problem = 'a document type declaration is not allowed'
      throw new TaskInfoError('ERR_TASKINFO_DOCTYPE', problem, placeAt(xml, at))
    }
    const close = xml.startsWith('<!--', at) ? '-->' : xml.startsWith('<?', at) ? '?>' : undefined
    if (close === undefined) return
    const end = xml.indexOf(close, at + 2)
    if (end < 0) return
    at = end + close.length
  }
}

function placeAt(xml: string, offset: number): Place {
  let line = 1
  let start = xml.startsWith('\uFEFF') ? 1 : 0
  for (let end = xml.indexOf('\n'); end >= 0 && end < offset; end = xml.indexOf('\n', start)) {
    line += 1
    start = end + 1
  }
  return { line, column: offset - start + 1 }
}

/** The parser counts its error positions in code points, strings count in UTF-16 code units. */
function toOffset(xml: string, codePoints: number): number {
  let offset = 0
  for (let count = 0; count < codePoints && offset < xml.length; count += 1) {
    offset += (xml.codePointAt(offset) as number) > 0xffff ? 2 : 1
  }
  return offset
}
