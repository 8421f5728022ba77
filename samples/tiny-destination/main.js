// Knows mmfile and XML, and nothing of the other samples: runs the first task in no time.

import { parseXml } from '@rgrove/parse-xml'
import { MmFile } from 'mmfile'

const file = MmFile.openExisting(process.argv[2])
const task = parseXml(file.read(0)).root.children.find(({ name }) => name === 'TaskInfo')
const news = {
  Status: 'Completed',
  Completed: new Date().toISOString(),
  Result: 'Done, in ten lines',
}
const old = task.children.filter(({ name }) => name !== undefined && !(name in news))
const fields = [...old.map(({ name, text }) => [name, text]), ...Object.entries(news)]
const encode = (text) => text.replace(/[&<\r]/g, (one) => `&#${one.charCodeAt(0)};`)
const xml = fields.map(([name, text]) => `<${name}>${encode(text)}</${name}>`).join('')
file.append(`<TaskInfoCollection><TaskInfo>${xml}</TaskInfo></TaskInfoCollection>`)
file.close()
