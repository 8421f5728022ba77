import { XmlCdata, XmlElement, XmlText } from '@rgrove/parse-xml'
import * as v from 'valibot'
import { type Place, quote, TaskInfoError, type TaskInfoErrorCode } from './error.js'
import { type Field, fields, itemName, rootName } from './fields.js'
import { belongsToNoNamespace, defaultNamespace, isNil } from './namespaces.js'
import { type ParsedDocument, parseDocument } from './parse-document.js'
import { describeIssue, type TaskInfo, TaskInfoSchema } from './task-info.js'

export interface DeserializeOptions {
  /** The longest text that is read, in UTF-16 code units. */
  maxLength?: number | undefined
}

/**
 * The text may come from any program, and a document of tiny elements takes up to ninety bytes of
 * memory a character while it is read. At this size that is 1.4 GiB, which the default heap of Node.js
 * holds; at four times the size it would end the process.
 */
const defaultMaxLength = 16 * 2 ** 20

/** Reads the output of `serializeTasks` and of .NET's XmlSerializer. Unknown elements are skipped. */
export function deserializeTasks(xml: string, options: DeserializeOptions = {}): TaskInfo[] {
  if (typeof xml !== 'string') throw new TypeError('deserializeTasks: the XML is not a string')
  const maxLength = options.maxLength ?? defaultMaxLength
  if (typeof maxLength !== 'number' || !(maxLength >= 0)) {
    throw new RangeError('deserializeTasks: maxLength is not a number of characters')
  }
  if (xml.length > maxLength) {
    const problem = `the text has ${xml.length} characters, and no more than ${maxLength} are read`
    throw new TaskInfoError('ERR_TASKINFO_TOO_LARGE', problem)
  }
  return new Reader(parseDocument(xml)).read()
}

class Reader {
  constructor(private readonly document: ParsedDocument) {}

  read(): TaskInfo[] {
    const { root } = this.document
    if (root.name !== rootName) {
      this.fail(
        'ERR_TASKINFO_ROOT',
        root,
        `the root element is ${quote(root.name)}, not ${rootName}`,
      )
    }
    if (!belongsToNoNamespace(root)) {
      const namespace = quote(defaultNamespace(root))
      this.fail(
        'ERR_TASKINFO_ROOT',
        root,
        `the root element is in the namespace ${namespace}, not in none`,
      )
    }
    if (isNil(root)) this.fail('ERR_TASKINFO_ROOT', root, 'the collection is nil')
    return childElements(root)
      .filter((element) => element.name === itemName)
      .map((element, index) => this.readTask(element, `${itemName}[${index + 1}]`))
  }

  private readTask(task: XmlElement, path: string): TaskInfo {
    if (isNil(task)) this.fail('ERR_TASKINFO_VALUE', task, 'is nil', path)
    const elements = this.knownElements(task, path)
    const record: Record<string, unknown> = {}
    for (const field of fields) {
      record[field.key] = this.readField(field, elements.get(field.element), task, path)
    }
    const checked = v.safeParse(TaskInfoSchema, record)
    if (checked.success) return checked.output
    const { key, problem } = describeIssue(checked.issues[0])
    const name = fields.find((field) => field.key === key)?.element as string
    const element = elements.get(name) as XmlElement
    const text = quote(textOf(element))
    return this.fail('ERR_TASKINFO_VALUE', element, `${problem}: ${text}`, `${path}/${name}`)
  }

  private knownElements(task: XmlElement, path: string): Map<string, XmlElement> {
    const found = new Map<string, XmlElement>()
    for (const element of childElements(task)) {
      if (!fields.some((field) => field.element === element.name)) continue
      if (found.has(element.name)) {
        this.fail(
          'ERR_TASKINFO_DUPLICATE',
          element,
          'is there a second time',
          `${path}/${element.name}`,
        )
      }
      found.set(element.name, element)
    }
    return found
  }

  private readField(
    field: Field,
    element: XmlElement | undefined,
    task: XmlElement,
    path: string,
  ): unknown {
    const fieldPath = `${path}/${field.element}`
    if (!element || isNil(element)) {
      if (field.absent !== undefined) return field.absent
      const problem = element ? 'is nil' : 'is missing'
      return this.fail('ERR_TASKINFO_MISSING', element ?? task, problem, fieldPath)
    }
    if (element.children.some((child) => child instanceof XmlElement)) {
      this.fail(
        'ERR_TASKINFO_VALUE',
        element,
        'contains elements, and only text belongs there',
        fieldPath,
      )
    }
    const text = textOf(element)
    const value = field.read(text)
    if (value === undefined) {
      this.fail(
        'ERR_TASKINFO_VALUE',
        element,
        `is not ${field.expected}: ${quote(text)}`,
        fieldPath,
      )
    }
    return value
  }

  private fail(
    code: TaskInfoErrorCode,
    element: XmlElement,
    problem: string,
    path?: string,
  ): never {
    const place: Place = { ...this.document.placeOf(element), path }
    throw new TaskInfoError(code, problem, place)
  }
}

function childElements(parent: XmlElement): XmlElement[] {
  return parent.children.filter(
    (child): child is XmlElement => child instanceof XmlElement && belongsToNoNamespace(child),
  )
}

/** The element's own text; the parser joins CDATA and references to it, and leaves comments out. */
function textOf(element: XmlElement): string {
  let text = ''
  for (const child of element.children) {
    if (child instanceof XmlText || child instanceof XmlCdata) text += child.text
  }
  return text
}
