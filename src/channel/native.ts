import { native } from '../shared/native.js'

/** The functions that are called for every message of a channel. */
export const channels = native.channelOperations()
