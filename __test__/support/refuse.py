"""Runs a program to which the kernel refuses system calls (x86-64): refuse.py NUMBER=ERRNO ... -- PROGRAM ARGUMENT ..."""

import ctypes
import os
import struct
import sys

LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
SET_NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2

end = sys.argv.index("--")
statements = [struct.pack("HBBI", LOAD_NUMBER, 0, 0, 0)]
for refusal in sys.argv[1:end]:
    number, errno = map(int, refusal.split("="))
    statements.append(struct.pack("HBBI", JUMP_IF_EQUAL, 0, 1, number))
    statements.append(struct.pack("HBBI", RETURN, 0, 0, ERRNO | errno))
statements.append(struct.pack("HBBI", RETURN, 0, 0, ALLOW))
statements = ctypes.create_string_buffer(b"".join(statements))
program = ctypes.create_string_buffer(
    struct.pack("HxxxxxxQ", len(statements) // 8, ctypes.addressof(statements))
)
libc = ctypes.CDLL(None, use_errno=True)
for call in (
    (SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
    (SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0),
):
    if libc.prctl(*call) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
