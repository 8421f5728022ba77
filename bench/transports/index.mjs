// Every way to bring a message to another process that is measured. A transport opens an endpoint on
// either side: `prepare` (parent) and `join` (child) before the clock starts, then `send` and, where it
// is synchronous, `take` and `drain`, else `listen`; `finish` after a run.

import * as channel from './channel.mjs'
import * as fork from './fork.mjs'
import { lmdb } from './lmdb.mjs'
import * as mmfile from './mmfile.mjs'
import * as previous from './previous.mjs'
import * as requests from './requests.mjs'
import * as shm from './shm-typed-array.mjs'
import { socket } from './socket.mjs'
import { zeromq } from './zeromq.mjs'

/** Those that carry messages of any size, either way and one way. */
export const streams = { ...fork, socket, zeromq, lmdb, ...shm, ...mmfile, ...channel }
export const transports = { ...streams, ...requests, ...previous }
