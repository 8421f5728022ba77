import test from 'ava'
import { deserializeTasks, TaskInfoError } from '../task-info/dist/index.js'
import { collection, elements, item, readOne, refuses, task } from './support/records.mjs'

test('refuses another root, and says where it is', (t) => {
  for (const [xml, column] of [
    ['<ArrayOfTaskInfo/>', 1],
    ['<taskInfoCollection/>', 1],
    ['<TaskInfo/>', 1],
    ['<a:TaskInfoCollection xmlns:a="urn:a"/>', 1],
    ['<TaskInfoCollection xmlns="urn:a"/>', 1],
    ['<TaskInfoCollection xsi:nil="true"/>', 1],
    ['<!-- c --><List/>', 11],
  ]) {
    refuses(t, () => deserializeTasks(xml), { code: 'ERR_TASKINFO_ROOT', line: 1, column })
  }
})

test('refuses every wrong value, and says where it is', (t) => {
  for (const [element, text] of [
    ['Id', ''],
    ['Id', 'x'],
    ['Id', '0f8fad5bd9cb469fa16570867728950e'],
    ['Duration', ''],
    ['Duration', 'ten'],
    ['Duration', '1.5'],
    ['Duration', '-1'],
    ['Duration', '2147483648'],
    ['Duration', '0x10'],
    ['Priority', ''],
    ['Priority', 'high'],
    ['Priority', 'HIGH'],
    ['Priority', ' High'],
    ['Priority', '2'],
    ['Status', 'pending'],
    ['Status', 'Canceled'],
    ['Created', ''],
    ['Created', 'yesterday'],
    ['Created', '0001-01-01T00:00:00+02:00'],
    ['Completed', ''],
    ['Completed', '2024-02-30T00:00:00Z'],
    ['Name', '<b>bold</b>'],
  ]) {
    const xml = collection(item(), '\n', item({ [element]: `\n <${element}>${text}</${element}>` }))
    refuses(t, () => deserializeTasks(xml), {
      code: 'ERR_TASKINFO_VALUE',
      path: `TaskInfo[2]/${element}`,
      line: 3,
      column: 2,
    })
  }
})

test('refuses a task without an element that it needs', (t) => {
  for (const element of Object.keys(elements)) {
    if (['Name', 'Description'].includes(element)) continue // strings, which may be null in .NET
    const path = `TaskInfo[2]/${element}`
    const code = 'ERR_TASKINFO_MISSING'
    const missing = collection(item(), item({ [element]: '' }))
    refuses(t, () => deserializeTasks(missing), { code, path, message: /line 1/ })
    const nil = collection(item(), item({ [element]: `<${element} xsi:nil="true"/>` }))
    refuses(t, () => deserializeTasks(nil), { code, path, message: /line 1/ })
  }
  const nil = collection('<TaskInfo xsi:nil="true"/>')
  refuses(t, () => deserializeTasks(nil), { code: 'ERR_TASKINFO_VALUE', path: 'TaskInfo[1]' })
})

test('refuses an element that is there twice', (t) => {
  for (const element of [...Object.values(elements), '<Result/>']) {
    const name = /\w+/.exec(element)[0]
    const xml = collection(item({ Result: '<Result/>', extra: `\n${element}` }))
    refuses(t, () => deserializeTasks(xml), {
      code: 'ERR_TASKINFO_DUPLICATE',
      path: `TaskInfo[1]/${name}`,
      line: 2,
      column: 1,
    })
  }
})

test('refuses control characters, written out or as references', (t) => {
  for (const text of [
    '\0',
    '\x08',
    '\x1b',
    '\ud800',
    '\udfff',
    '\ufffe',
    '&#0;',
    '&#x1B;',
    '&#xD800;',
    '&#xFFFF;',
  ]) {
    const xml = collection(item({ Name: `\n<Name>${text}</Name>` }))
    refuses(t, () => deserializeTasks(xml), {
      code: 'ERR_TASKINFO_SYNTAX',
      message: /line 2, column/,
    })
  }
})

test('refuses every document type declaration', (t) => {
  for (const doctype of [
    '<!DOCTYPE TaskInfoCollection>',
    '<!DOCTYPE TaskInfoCollection SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE TaskInfoCollection [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>',
    '<!DOCTYPE',
  ]) {
    const xml = `<?xml version="1.0"?>\r\n<!-- > --> ${doctype}${collection(item({ Name: '<Name>&c;</Name>' }))}`
    refuses(t, () => deserializeTasks(xml), { code: 'ERR_TASKINFO_DOCTYPE', line: 2, column: 12 })
  }
  t.is(readOne({ Name: '<Name><![CDATA[<!DOCTYPE a>]]></Name>' }).name, '<!DOCTYPE a>')
  t.deepEqual(deserializeTasks('<!-- <!DOCTYPE a> --><TaskInfoCollection/>'), [])
})

test('refuses XML that is not well-formed, and says where', (t) => {
  for (const [xml, line, column] of [
    ['', 1, 1],
    ['text', 1, 1],
    [' \n<TaskInfoCollection>', 2, 21],
    ['<TaskInfoCollection>\n🚀🚀&unknown;</TaskInfoCollection>', 2, 5],
    ['<TaskInfoCollection>\r\n</TaskInfo>', 2, 1],
    ['<TaskInfoCollection/>\n<TaskInfoCollection/>', 2, 1],
  ]) {
    refuses(t, () => deserializeTasks(xml), { code: 'ERR_TASKINFO_SYNTAX', line, column })
  }
  refuses(t, () => deserializeTasks('<a>'.repeat(100_000)), {
    code: 'ERR_TASKINFO_SYNTAX',
    message: /nested/,
  })
})

test('refuses more than the set size', (t) => {
  const xml = collection(item())
  t.deepEqual(deserializeTasks(xml, { maxLength: xml.length }), [task])
  const code = 'ERR_TASKINFO_TOO_LARGE'
  const message = new RegExp(`${xml.length} characters`)
  refuses(t, () => deserializeTasks(xml, { maxLength: xml.length - 1 }), { code, message })
  refuses(t, () => deserializeTasks(' '.repeat(2 ** 24 + 1)), { code, message: /16777216/ })
  t.throws(() => deserializeTasks(xml, { maxLength: -1 }), { instanceOf: RangeError })
  t.throws(() => deserializeTasks(undefined), { instanceOf: TypeError })
})

test('reads and refuses long hostile texts in a time that grows with their length', (t) => {
  const started = performance.now()
  t.is(readOne({ Name: `<Name>${'\r\n'.repeat(300_000)}</Name>` }).name.length, 300_000)
  const spaces = `<Duration>1${' '.repeat(300_000)}1</Duration>`
  t.throws(() => readOne({ Duration: spaces }), { instanceOf: TaskInfoError })
  t.throws(() => deserializeTasks(`${'<!---->'.repeat(50_000)}<?`), { instanceOf: TaskInfoError })
  t.true(performance.now() - started < 5000)
})
