"""A program that knows the frames and where the lock is, and nothing else of the library.

    frames_and_lock.py OBJECT     the path of the file's object; orders come on standard input

The control block is the object's last 4096 bytes and says how many bytes the data has, which is at the
object's start. The lock is what the block says it is: a robust pthread mutex of the C library.
"""

import ctypes
import errno
import mmap
import os
import signal
import struct
import sys
import time

CONTROL_SIZE, CAPACITY_AT, LOCK_AT = 4096, 0x20, 0x80
EMPTY, SEAL = 0x8000_0000, 0xFFFF_FFFF
C = ctypes.CDLL(None)


def mapped(path):
    descriptor = os.open(path, os.O_RDWR)
    size = os.fstat(descriptor).st_size
    memory = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(descriptor)
    return memory


OBJECT = mapped(sys.argv[1])
CONTROL_AT = len(OBJECT) - CONTROL_SIZE
(CAPACITY,) = struct.unpack_from("<Q", OBJECT, CONTROL_AT + CAPACITY_AT)
DATA = memoryview(OBJECT)[:CAPACITY]
MUTEX = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(OBJECT, CONTROL_AT + LOCK_AT)))


def payload(writer, number):
    """What writer `writer` appends as its number `number`; the tests compute the same."""
    rest = bytes((writer + number + at) & 255 for at in range((writer * 7 + number * 13) % 41))
    return struct.pack("<II", writer, number) + rest


def origin(segment):
    writer, number = struct.unpack_from("<II", segment)
    if segment != payload(writer, number):
        raise ValueError(f"not what {writer} appends as {number}: {segment!r}")
    return f"{writer}:{number}"


def say(*words):
    # One write: a forked child has the same standard output.
    os.write(1, ("> " + " ".join(map(str, words)) + "\n").encode())


def lock():
    """Returns 0, or EOWNERDEAD if the last holder died; the mutex is usable again then."""
    code = C.pthread_mutex_lock(MUTEX)
    if code == errno.EOWNERDEAD:
        must(C.pthread_mutex_consistent(MUTEX))
    elif code:
        raise OSError(code, os.strerror(code))
    return code


def unlock():
    must(C.pthread_mutex_unlock(MUTEX))


def must(code):
    if code:
        raise OSError(code, os.strerror(code))


class Walk:
    """Goes from frame to frame, as far as there are any."""

    def __init__(self):
        self.end, self.sealed = 0, False

    def segments(self):
        while self.end + 4 <= len(DATA):
            (word,) = struct.unpack_from("<I", DATA, self.end)
            if word in (0, SEAL):
                self.sealed = word == SEAL
                return
            size = 0 if word == EMPTY else word
            if size >= 1 << 31 or self.end + 4 + size > len(DATA):
                raise ValueError(f"bad word {word:#x} at {self.end}")
            start = self.end + 4
            self.end = start + size
            yield bytes(DATA[start : self.end])

    def to_end(self):
        for _ in self.segments():
            pass
        return self.end


OWN = Walk()


def write(segment, stage=3):
    """The size word, the bytes, and nothing behind them. Earlier stages leave some of it out."""
    at = OWN.to_end()
    if at + 4 + len(segment) > len(DATA):
        return False
    if stage >= 1:
        struct.pack_into("<I", DATA, at, len(segment))
    count = {0: 0, 1: 0, 2: len(segment) // 2}.get(stage, len(segment))
    DATA[at + 4 : at + 4 + count] = segment[:count]
    return True


def append(writer, first, count):
    deaths = 0
    for number in range(first, first + count):
        segment = payload(writer, number)
        deaths += lock() != 0
        fits = write(segment)
        unlock()
        if not fits:
            return say("full", deaths)
        time.sleep(1e-6)  # lets the others have their turn
    say("did", deaths)


def read():
    """Everything at once, under the lock."""
    lock()
    segments = list(Walk().segments())
    unlock()
    say(*map(origin, segments))


def follow():
    """Everything as it comes, without the lock, until the file is sealed."""
    walk, seen = Walk(), []
    say("following")
    while not walk.sealed:
        seen.extend(map(origin, walk.segments()))
    say(*seen)


def shape():
    walk = Walk()
    sizes = [len(segment) for segment in walk.segments()]
    say("sealed" if walk.sealed else "open", *sizes)


def hold(stage, writer, number):
    """A process of its own takes the lock, begins an append and stays there until it is killed."""
    if os.fork():
        return
    signal.alarm(60)
    code = lock()
    write(payload(writer, number), stage)
    say("holds", os.getpid(), code)
    while True:
        signal.pause()


def take():
    code = lock()
    say(code, time.monotonic_ns())


def clear():
    """Zeroes what a dead writer left behind the end. Its caller has the lock."""
    at = OWN.to_end()
    DATA[at:] = bytes(len(DATA) - at)


def append_inside(writer, number):
    write(payload(writer, number))


ORDERS = {
    order.__name__: order
    for order in (append, read, follow, shape, hold, take, clear, append_inside, unlock)
}

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped as they die
say("ready")
for line in iter(sys.stdin.readline, ""):
    name, *numbers = line.split()
    ORDERS[name](*map(int, numbers))
