import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'ava'
import {
  deserializeTasks,
  formatDateTime,
  formatTable,
  parseDateTime,
  serializeTasks,
} from '../task-info/dist/index.js'
import { elements, readOne, refuses, task } from './support/records.mjs'

// Writing

test('writes the form of XmlSerializer, in the order of the contract', (t) => {
  const done = { ...task, completed: new Date('2024-03-01T07:00:03Z'), result: '' }
  t.is(
    serializeTasks([done]),
    `<?xml version="1.0" encoding="utf-16"?>
<TaskInfoCollection>
  <TaskInfo>
    <Id>0f8fad5b-d9cb-469f-a165-70867728950e</Id>
    <Name>Name</Name>
    <Description>Description</Description>
    <Duration>3</Duration>
    <Priority>Normal</Priority>
    <Status>Pending</Status>
    <Created>2024-03-01T07:00:00.12Z</Created>
    <Completed>2024-03-01T07:00:03Z</Completed>
    <Result />
  </TaskInfo>
</TaskInfoCollection>`,
  )
})

test('writes null as an absent element', (t) => {
  const xml = serializeTasks([task])
  t.false(xml.includes('Completed'))
  t.false(xml.includes('Result'))
})

test('escapes markup and CR', (t) => {
  t.true(
    serializeTasks([{ ...task, name: '<a>&]]>\r\n' }]).includes(
      '<Name>&lt;a&gt;&amp;]]&gt;&#xD;\n</Name>',
    ),
  )
})

test('refuses to write a character that XML cannot carry, and names task and field', (t) => {
  for (const character of [
    '\0',
    '\x01',
    '\x0b',
    '\x0c',
    '\x1f',
    '\ud800',
    '\udc00',
    '\ufffe',
    '\uffff',
  ]) {
    refuses(t, () => serializeTasks([task, { ...task, result: `ab${character}` }]), {
      code: 'ERR_TASKINFO_CHARACTER',
      path: 'TaskInfo[2]/Result',
      message: new RegExp(character.charCodeAt(0).toString(16), 'i'),
    })
  }
})

for (const [key, element, values] of [
  ['id', 'Id', ['', 'x', '{0f8fad5b-d9cb-469f-a165-70867728950e}', 7, undefined]],
  ['name', 'Name', [null, 1, undefined]],
  ['description', 'Description', [null]],
  ['duration', 'Duration', [-1, 1.5, Number.NaN, 2 ** 31, '3', null]],
  ['priority', 'Priority', ['normal', '', 1]],
  ['status', 'Status', ['DONE', null]],
  ['created', 'Created', [new Date(Number.NaN), '2024-03-01T07:00:00Z', null, new Date(8.64e15)]],
  ['completed', 'Completed', [undefined, 0, new Date(Date.UTC(-1, 0))]],
  ['result', 'Result', [undefined, 0]],
]) {
  test(`refuses to write a wrong ${key}`, (t) => {
    for (const value of values) {
      refuses(t, () => serializeTasks([{ ...task, [key]: value }]), {
        code: 'ERR_TASKINFO_VALUE',
        path: `TaskInfo[1]/${element}`,
      })
    }
  })
}

test('refuses to write values that are not a list of tasks', (t) => {
  refuses(t, () => serializeTasks(task), { code: 'ERR_TASKINFO_VALUE' })
  refuses(t, () => serializeTasks([null]), { code: 'ERR_TASKINFO_VALUE', path: 'TaskInfo[1]' })
})

// Round trips

const roundTrip = (changes) => deserializeTasks(serializeTasks([{ ...task, ...changes }]))[0]

test('an empty list comes back', (t) => {
  t.deepEqual(deserializeTasks(serializeTasks([])), [])
})

test('white space and line ends come back as they went in', (t) => {
  for (const name of [
    '',
    ' ',
    '  a  ',
    '\n',
    '\r',
    '\r\n',
    '\ta\t',
    'a\r\r\n\nb',
    ' a ',
    '\u0085\u2028',
  ]) {
    t.is(roundTrip({ name }).name, name)
  }
})

test('arbitrary valid tasks come back equal', (t) => {
  const seed = Number(process.env.TASKINFO_SEED ?? randomBytes(4).readUInt32LE())
  t.log(`seed ${seed}`)
  const random = createRandom(seed)
  for (let round = 0; round < 300; round += 1) {
    const tasks = Array.from({ length: random(6) }, () => anyTask(random))
    t.deepEqual(deserializeTasks(serializeTasks(tasks)), tasks)
  }
})

/** Mulberry32: the same numbers for the same seed, so that a failure can be had again. */
function createRandom(seed) {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

function anyTask(random) {
  const pick = (...choices) => choices[random(choices.length)]
  const hex = (digits) => Array.from({ length: digits }, () => random(16).toString(16)).join('')
  const id = [8, 4, 4, 4, 12].map(hex).join('-')
  const special = [
    '<',
    '>',
    '&',
    ']]>',
    '"',
    "'",
    '\r',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '&#xD;',
    '<!--',
    '<![CDATA[',
    '\ufeff',
  ]
  const edges = [0x7f, 0x85, 0x2028, 0xd7ff, 0xe000, 0xfffd, 0x10000, 0x1f680, 0x10ffff]
  const piece = () =>
    pick(
      () => pick(...special),
      () => String.fromCodePoint(pick(...edges)),
      () => String.fromCharCode(0x20 + random(0xd7e0)),
      () => hex(1 + random(5)),
    )()
  const text = () => Array.from({ length: random(12) }, piece).join('')
  const time = () =>
    pick(
      () => new Date('0001-01-01T00:00:00Z'),
      () => new Date('9999-12-31T23:59:59.999Z'),
      () => new Date(random(4e12)),
      () => new Date(-random(6e13)),
    )()
  return {
    id: pick(id, id.toUpperCase()),
    name: text(),
    description: text(),
    duration: pick(0, 2 ** 31 - 1, random(1e6)),
    priority: pick('Low', 'Normal', 'High'),
    status: pick('Pending', 'Running', 'Completed', 'Failed', 'Cancelled'),
    created: time(),
    completed: pick(null, time()),
    result: pick(null, text()),
  }
}

// Reading

test('reads what .NET writes', (t) => {
  const xml = readFileSync(new URL('fixtures/dotnet.xml', import.meta.url), 'utf8')
  const expected = [
    {
      id: '0f8fad5b-d9cb-469f-a165-70867728950e',
      name: 'Nightly backup',
      description: 'Rows < 1,000 & "quotes"\r\nsecond line',
      duration: 90,
      priority: 'High',
      status: 'Completed',
      created: new Date('2024-02-29T23:59:59.123Z'),
      completed: new Date('2024-03-01T00:01:29.500Z'),
      result: '42 files',
    },
    {
      id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
      name: 'Prune',
      description: '',
      duration: 0,
      priority: 'Low',
      status: 'Pending',
      created: new Date('2024-03-01T08:00:00'),
      completed: null,
      result: null,
    },
  ]
  t.deepEqual(deserializeTasks(xml), expected)
  t.deepEqual(deserializeTasks(`\ufeff${xml.replaceAll('\n', '\r\n')}`), expected)
})

test('reads children in any order, passing over what it does not know', (t) => {
  const children = Object.values(elements).reverse().join('<Owner><Name>no</Name></Owner> text ')
  const other = '<Extra xmlns="urn:x"><Name>no</Name></Extra><o:Name xmlns:o="urn:o">no</o:Name>'
  const foreign = '<Name xmlns="urn:other">no</Name><name>no</name>'
  const xml = `<?pi?><!-- c --><TaskInfoCollection a="b"><Count>1</Count>
    <TaskInfo x="y">${other}${children}${foreign}<!-- c --></TaskInfo></TaskInfoCollection><!-- c -->`
  t.deepEqual(deserializeTasks(xml), [task])
})

test('reads CDATA, references and comments inside text', (t) => {
  const one = readOne({
    Name: '<Name> a<![CDATA[<b>&amp;]]>&#x1F680;&#13;<!-- no --><?no no?>&quot; </Name>',
  })
  t.is(one.name, ' a<b>&amp;🚀\r" ')
})

test('reads xsi:nil under any prefix as null', (t) => {
  const xsi = 'http://www.w3.org/2001/XMLSchema-instance'
  for (const attributes of [
    `xmlns:i="${xsi}" i:nil="1"`,
    `xmlns:xsi="${xsi}" xsi:nil=" true "`,
    'xsi:nil="true"',
  ]) {
    t.is(readOne({ Result: `<Result ${attributes}/>` }).result, null)
  }
  for (const attributes of ['nil="true"', 'xmlns:i="urn:i" i:nil="true"', 'xsi:nil="false"']) {
    t.is(readOne({ Result: `<Result ${attributes}>text</Result>` }).result, 'text')
  }
})

test('reads a string that is null in .NET, and so has no element, as an empty one', (t) => {
  for (const [element, key] of [
    ['Name', 'name'],
    ['Description', 'description'],
  ]) {
    t.is(readOne({ [element]: '' })[key], '')
    t.is(readOne({ [element]: `<${element} xsi:nil="true" />` })[key], '')
    t.is(readOne({ [element]: `<${element} />` })[key], '')
  }
})

test('reads ids in braces, and numbers and times with space around them', (t) => {
  const one = readOne({
    Id: '<Id> {0F8FAD5B-D9CB-469F-A165-70867728950E} </Id>',
    Duration: '<Duration>\n +007 </Duration>',
    Created: '<Created> 2024-03-01T07:00:00Z\n</Created>',
  })
  t.is(one.id, '0F8FAD5B-D9CB-469F-A165-70867728950E')
  t.is(one.duration, 7)
  t.deepEqual(one.created, new Date('2024-03-01T07:00:00Z'))
})

test('reads the time forms of .NET', (t) => {
  for (const [text, iso] of [
    ['2024-03-01T07:00:00Z', '2024-03-01T07:00:00.000Z'],
    ['2024-03-01T07:00:00.1Z', '2024-03-01T07:00:00.100Z'],
    ['2024-03-01T07:00:00.1239999Z', '2024-03-01T07:00:00.123Z'],
    ['2024-03-01T07:00:00.1234567+02:00', '2024-03-01T05:00:00.123Z'],
    ['2024-02-28T22:00:00-05:30', '2024-02-29T03:30:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.9999999Z', '9999-12-31T23:59:59.999Z'],
  ]) {
    t.is(parseDateTime(text)?.toISOString(), iso, text)
  }
  t.deepEqual(parseDateTime('2024-07-01T07:00:00.25'), new Date(2024, 6, 1, 7, 0, 0, 250))
  t.true(parseDateTime('0001-01-01T00:00:00').getTime() >= Date.parse('0001-01-01T00:00:00Z'))
})

test('refuses invalid times', (t) => {
  for (const text of [
    '',
    '2024-03-01',
    '2024-3-1T07:00:00Z',
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-03-01T24:00:00Z',
    '2024-03-01T23:60:00Z',
    '2024-03-01T23:59:60Z',
    '2024-03-01T07:00:00.Z',
    '2024-03-01T07:00:00z',
    '2024-03-01 07:00:00Z',
    '2024-03-01T07:00:00+14:01',
    '2024-03-01T07:00:00+02:60',
    '2024-03-01T07:00:00+0200',
    '0000-01-01T00:00:00Z',
    '-0001-01-01T00:00:00Z',
    '12024-01-01T00:00:00Z',
  ]) {
    t.is(parseDateTime(text), undefined, text)
  }
})

test('writes times without zeros at the end', (t) => {
  t.is(formatDateTime(new Date('2020-10-10T10:10:00.000Z')), '2020-10-10T10:10:00Z')
  t.is(formatDateTime(new Date('2020-10-10T10:10:10.100Z')), '2020-10-10T10:10:10.1Z')
  t.is(formatDateTime(new Date('2020-10-10T10:10:10.001Z')), '2020-10-10T10:10:10.001Z')
})

// Showing

test('a table fits its width, and nothing in it acts on the terminal', (t) => {
  const hostile = 'a\x1b[31m\u202e\u009b\n'
  const table = formatTable(['名前', 'Text'], [['🚀 日本', `${hostile} ${'word '.repeat(100)}`]], {
    width: 50,
  })
  t.true(table.includes('a\\u001b[31m\\u202e\\u009b\\n'), table)
  t.regex(table, /…/)
  // A terminal gives these two columns each.
  const widths = table.split('\n').map((line) => line.replace(/🚀|[\u4e00-\u9fff]/gu, '..').length)
  t.deepEqual([...new Set(widths)], [50], table)
})
