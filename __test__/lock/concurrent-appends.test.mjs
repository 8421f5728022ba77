// Several processes that append at once, with readers following all the while.

import { availableParallelism } from 'node:os'
import test from 'ava'
import { start } from '../support/child.mjs'
import { create, open, rounds } from '../support/files.mjs'

const each = rounds(10_000)

for (const writers of [2, 8]) {
  test.serial(`${writers} processes append ${each} segments each`, async (t) => {
    const total = writers * each
    const file = create(t, total * 64)
    const readers = ['waitFor', 'waitForSync', 'length'].map((how) =>
      start(t, 'appenders', 'follow', [file.id, total, how]),
    )
    const children = Array.from({ length: writers }, (_, who) =>
      start(t, 'appenders', 'many', [file.id, who, each]),
    )
    for (const child of [...readers, ...children]) t.is(await child.next(), 'ready')
    const started = performance.now()
    for (const child of children) child.tell('go')
    const indexes = await Promise.all(children.map((child) => child.next()))
    const time = performance.now() - started

    t.is(file.length, total, 'none was lost, and none is there twice')
    t.is(new Set(indexes.flat()).size, total, 'each index was given once')
    const wrong = indexes.flatMap((list, who) =>
      list.filter((index, step) => !file.read(index).startsWith(`${who}:${step}:`)),
    )
    t.deepEqual(wrong.slice(0, 10), [], 'each index holds what was appended')
    for (const list of indexes) {
      t.true(
        list.every((index, step) => step === 0 || index > list[step - 1]),
        "one writer's segments are in its order",
      )
    }
    for (const reader of readers) {
      t.deepEqual(await reader.next(), { seen: total, wrong: [] })
    }
    t.is(file.recovered, 0)
    t.is(open(t, file).size, file.size)
    // They were at it at the same time, and not one after the other.
    const writer = new Uint8Array(total)
    indexes.forEach((list, who) => {
      for (const index of list) writer[index] = who
    })
    const turns = writer.reduce((sum, who, at) => sum + (at > 0 && who !== writer[at - 1]), 0)
    if (availableParallelism() > 1) t.true(turns > writers, `${turns} turns`)
    t.log(
      `${Math.round(total / time)} segments per ms by ${writers} writers in ${turns} turns, with 3 readers`,
    )
  })
}

test.serial(
  'write: of several that want the same index one gets it, and none is overwritten',
  async (t) => {
    const file = create(t, 1 << 20)
    const children = [0, 1, 2].map((who) => start(t, 'appenders', 'race', [file.id, who, 2000]))
    for (const child of children) await child.next()
    for (const child of children) child.tell('go')
    const won = await Promise.all(children.map((child) => child.next()))
    t.deepEqual(
      won.flat().sort((a, b) => a - b),
      Array.from({ length: 2000 }, (_, at) => at),
    )
    won.forEach((list, who) => {
      t.true(list.every((index) => file.read(index) === `${who}:${index}`))
    })
  },
)

test.serial('appendAll: the values of one call are consecutive', async (t) => {
  const file = create(t, 1 << 21)
  const children = [0, 1, 2].map((who) => start(t, 'appenders', 'groups', [file.id, who, 2000]))
  for (const child of children) await child.next()
  for (const child of children) child.tell('go')
  // While they do so, a reader never sees the beginning of a group without its end.
  const texts = []
  let torn = 0
  while (texts.length < 3 * 2000 * 4) {
    const { length } = file
    if (length % 4) torn += 1
    for (let index = texts.length; index < length; index += 1) texts.push(file.read(index))
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.is(torn, 0)
  const firsts = await Promise.all(children.map((child) => child.next()))
  firsts.forEach((list, who) => {
    list.forEach((first, step) => {
      const group = texts.slice(first, first + 4)
      if (group.some((text, at) => text !== `${who}:${step}:${at}`)) t.fail(`${group}`)
    })
  })
  t.is(file.length, 24_000)
})

test.serial(
  'a file that fills up while several append: no byte too many, and all of it whole',
  async (t) => {
    const file = create(t, 100_003)
    const children = [0, 1, 2].map((who) => start(t, 'appenders', 'untilFull', [file.id, who]))
    for (const child of children) await child.next()
    for (const child of children) child.tell('go')
    const counts = await Promise.all(children.map((child) => child.next()))
    t.deepEqual(
      counts.map(({ code }) => code),
      Array(3).fill('ERR_MMFILE_CAPACITY'),
    )
    const texts = [...file]
    for (const [who, { count }] of counts.entries()) {
      t.is(texts.filter((text) => text.startsWith(`${who}:`)).length, count)
    }
    t.is(texts.length, counts[0].count + counts[1].count + counts[2].count)
    t.is(
      file.size,
      texts.reduce((sum, text) => sum + 4 + 2 * text.length, 0),
    )
    t.true(file.size <= file.capacity && file.capacity - file.size < 40)
  },
)
