"""A program that knows nothing but the frames: [int32 size][bytes], a zero word at the end."""

import ctypes, json, mmap, struct, sys, time

command, path, *args = sys.argv[1:]
with open(path, "r+b") as file:
    shared = mmap.mmap(file.fileno(), 0)
control = len(shared) - 4096  # the control block is the end of the object
(capacity,) = struct.unpack_from("<Q", shared, control + 0x20)
memory = memoryview(shared)[: capacity]


def segments():
    """Offset, size word and bytes of each segment, and where the next one goes."""
    found, at = [], 0
    while at + 4 <= len(memory):
        (word,) = struct.unpack_from("<i", memory, at)
        if word == 0 or word == -1:
            break
        size = 0 if word == -(2**31) else word
        found.append((at, word, bytes(memory[at + 4 : at + 4 + size])))
        at += 4 + size
    return found, at


def append(data, pause=0):
    _, at = segments()
    struct.pack_into("<i", memory, at, len(data) or -(2**31))  # the size first, as the article's
    time.sleep(pause)
    memory[at + 4 : at + 4 + len(data)] = data


def say(value):
    print(json.dumps(value), flush=True)


def mutex():
    """The lock as the C library sees it."""
    libc = ctypes.CDLL(None)
    return libc, ctypes.byref(ctypes.c_char.from_buffer(shared, control + 0x80))


if command == "read":
    found, at = segments()
    say({"segments": [data.hex() for _, _, data in found], "words": [word for _, word, _ in found]})
    say({"end": at, "behind": bytes(memory[at : at + 4]).hex()})
elif command == "append":
    for data in args:
        append(bytes.fromhex(data))
    say("done")
elif command == "word":
    # At the end, or at a given offset.
    at = int(args[1]) if len(args) > 1 else segments()[1]
    struct.pack_into("<I", memory, at, int(args[0], 0))
    say(at)
elif command == "locked":
    libc, lock = mutex()
    say({"locked": libc.pthread_mutex_lock(lock)})
    if args[0] == "append":
        append(b"l\0o\0c\0k\0e\0d\0", pause=0.1)
    sys.stdin.readline()
    say({"unlocked": libc.pthread_mutex_unlock(lock)})
