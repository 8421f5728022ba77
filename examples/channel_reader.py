"""Prints the messages of a channel, those that are there and those that come, as `INDEX TEXT`.

    python3 channel_reader.py ID          (or the PATH of a channel on disk)

It observes: it opens the memory for reading only, takes no slot and no lock, and holds no writer back. What is
overwritten before it was read is counted as missed. docs/memory-layout.md describes all that it reads. It ends when
the channel is sealed, or no process has it open any more. For x86-64: on AArch64 it would have to order its loads,
which Python cannot do; channel_reader.c does.
"""

import fcntl, mmap, os, struct, sys, time

CONTROL_SIZE, UNIT, HEADER, TRAILER = 4096, 16, 16, 8
FLAG_CHANNEL, FLAG_DISK = 8, 4
MESSAGE, PADDING, SEAL = 1, 2, 3
F_OFD_GETLK, NAME = 36, 1 << 60


def signed(difference):
    """The difference of two 32-bit positions, which wrap."""
    difference &= 0xFFFFFFFF
    return difference - (1 << 32) if difference >= 1 << 31 else difference


class Observer:
    def __init__(self, channel):
        folder = os.environ.get("MMFILE_DIRECTORY") or "/dev/shm"
        path = channel if "/" in channel else f"{folder}/mmfile-channel-{channel}"
        self.fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        size = os.fstat(self.fd).st_size
        if size < CONTROL_SIZE or size % CONTROL_SIZE != 0:
            raise ValueError("no object of mmfile")
        self.memory = mmap.mmap(self.fd, size, prot=mmap.PROT_READ)
        self.control = size - CONTROL_SIZE
        magic, version = self.memory[self.control : self.control + 8], self.word(0x008)
        if magic != b"MMFILE\r\n" or version != 2 or not self.word(0x018) & FLAG_CHANNEL:
            raise ValueError("no channel of this version")
        self.trailer = TRAILER if self.word(0x018) & FLAG_DISK else 0
        ring = self.long(0x280)
        if ring > self.control or ring < UNIT or ring & (ring - 1) != 0:
            raise ValueError("its ring contradicts its size")
        self.units = ring // UNIT
        self.jump()
        self.next_index = self.missed = 0

    # Each of these is one load of the processor.
    def word(self, offset):
        return struct.unpack_from("<I", self.memory, self.control + offset)[0]

    def long(self, offset):
        return struct.unpack_from("<Q", self.memory, self.control + offset)[0]

    def tail(self):
        return self.word(0x0C0)

    def oldest(self):
        return self.word(0x1C0)

    def is_gone(self):
        """Whether what begins at the position may have been overwritten since it was read."""
        return signed(self.position - self.oldest()) < 0

    def record(self):
        """What stands at the position: kind, index, length, units. None if that is no record."""
        available = (self.tail() - self.position) & 0xFFFFFFFF
        if not 0 < available <= self.units:
            return None
        place = self.position % self.units
        length, kind, index = struct.unpack_from("<IIQ", self.memory, place * UNIT)
        rest = self.units - place
        units = rest if kind == PADDING else -(-(HEADER + length + self.trailer) // UNIT)
        is_record = kind in (MESSAGE, PADDING, SEAL) and units <= min(rest, available)
        return (kind, index, length, units) if is_record else None

    def receive(self):
        """The next message, as index and bytes; None if there is none now. EOFError when none will come."""
        for _ in range(10_000):
            if self.position == self.tail():
                return None
            found = self.record()
            if found is None or self.is_gone() or self.expected not in (None, found[1]):
                self.jump()
                continue
            kind, index, length, units = found
            if kind == SEAL:
                raise EOFError
            start = self.position % self.units * UNIT + HEADER
            payload = self.memory[start : start + length] if kind == MESSAGE else b""
            # After the copy: is it the same record, and not gone? Positions come again, indices do not.
            if self.is_gone() or self.record() != found:
                self.jump()
                continue
            self.position = (self.position + units) & 0xFFFFFFFF
            self.expected = index
            if kind == PADDING:
                continue
            self.expected += 1
            if index >= self.next_index:
                self.missed += index - self.next_index
                self.next_index = index + 1
                return index, payload
        raise ValueError(f"damaged at byte {self.position % self.units * UNIT}")

    def jump(self):
        """Goes on with the oldest message that is left, whichever that is."""
        self.position, self.expected = self.oldest(), None

    def is_open(self):
        """Whether any process has it open: it would be in the way of a lock on all of their bytes."""
        lock = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, NAME, 0, 0).ljust(32, b"\0")
        blocker = struct.unpack_from("h", fcntl.fcntl(self.fd, F_OFD_GETLK, lock))[0]
        return blocker != fcntl.F_UNLCK


if __name__ == "__main__":
    observer = Observer(sys.argv[1])
    try:
        while True:
            is_open = observer.is_open()  # first: nothing comes after it
            while (message := observer.receive()) is not None:
                print(message[0], message[1].decode(errors="replace"), flush=True)
            if not is_open:
                break
            time.sleep(0.005)
    except EOFError:
        pass
    print(f"missed {observer.missed}", file=sys.stderr)
