// How soon a reader that is close behind the writer looks again.

import test from 'ava'
import { Pace } from '../../dist/channel/pace.js'

const FEW = 256
const LONGEST = 5000

/** The pauses of a reader whose look after a pause of `turns` finds the messages that `come(turns)` says, of 5 units each. */
function pauses(looks, come) {
  const pace = new Pace(FEW)
  return Array.from({ length: looks }, () => {
    const turns = pace.pause()
    const messages = come(turns)
    pace.found(5 * messages)
    pace.received(messages)
    return turns
  })
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)

test('a stream of which each look finds little: longer and longer, up to a limit', (t) => {
  const all = pauses(20, (turns) => 1 + Math.floor(turns / 200))
  t.deepEqual(all.slice(0, 4), [0, 16, 48, 112])
  t.is(all.at(-1), LONGEST)
})

test('no pause after a look that found nothing', (t) => {
  const all = pauses(100, (turns) => (turns > 100 ? 0 : 1))
  t.true(all.every((turns, at) => at === 0 || all[at - 1] <= 100 || turns === 0))
  t.true(Math.max(...all) < 200)
})

test('shorter pauses again where each look finds much', (t) => {
  const pace = new Pace(FEW)
  for (let look = 0; look < 20; look += 1) {
    pace.pause()
    pace.found(5)
    pace.received(100)
  }
  t.is(pace.pause(), LONGEST)
  for (let look = 0; look < 20; look += 1) {
    pace.found(FEW)
    pace.received(100)
    pace.pause()
  }
  t.is(pace.pause(), 0)
})

test('messages that come one by one however long it pauses, as from itself: hardly ever', (t) => {
  const looks = 100_000
  t.true(sum(pauses(looks, () => 1)) / looks < 10)
  t.true(sum(pauses(looks, () => 3)) / looks < 20)
})

test('a stream that hesitates now and then: it goes on with long pauses', (t) => {
  let look = 0
  const all = pauses(10_000, (turns) => {
    look += 1
    return look % 100 === 0 ? 1 : 1 + Math.floor(turns / 200)
  })
  t.true(sum(all) / all.length > LONGEST / 2)
})
