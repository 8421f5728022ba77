import { deserializeTasks, TaskInfoError } from '../../task-info/dist/index.js'

export const task = {
  id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  name: 'Name',
  description: 'Description',
  duration: 3,
  priority: 'Normal',
  status: 'Pending',
  created: new Date('2024-03-01T07:00:00.120Z'),
  completed: null,
  result: null,
}

/** The same task, element by element, to be put together with changes. */
export const elements = {
  Id: '<Id>0f8fad5b-d9cb-469f-a165-70867728950e</Id>',
  Name: '<Name>Name</Name>',
  Description: '<Description>Description</Description>',
  Duration: '<Duration>3</Duration>',
  Priority: '<Priority>Normal</Priority>',
  Status: '<Status>Pending</Status>',
  Created: '<Created>2024-03-01T07:00:00.12Z</Created>',
}

export const item = (changes = {}) =>
  `<TaskInfo>${Object.values({ ...elements, ...changes }).join('')}</TaskInfo>`
export const collection = (...items) => `<TaskInfoCollection>${items.join('')}</TaskInfoCollection>`
export const readOne = (changes) => deserializeTasks(collection(item(changes)))[0]

/** Expects a TaskInfoError, with a place where one is known. */
export function refuses(t, run, { code, path, message, line, column }) {
  const error = t.throws(run, { instanceOf: TaskInfoError })
  t.is(error.code, code)
  t.is(error.path, path)
  if (message) t.regex(error.message, message)
  if (path) t.true(error.message.includes(path), error.message)
  if (line) t.deepEqual([error.line, error.column], [line, column])
}
