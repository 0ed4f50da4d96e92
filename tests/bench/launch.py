"""Runs a command; its last line of output is `<seconds> <peak RSS in KiB>`.

A process of its own because the kernel counts what was resident before exec into a child's peak (getrusage(2)): the
bench's own memory would hide that of a small program. What Python needs for this file, about 9 MiB, is the least that
can be seen. The peak is of the largest process of the command, not a sum.
"""

import os
import sys
import time

began = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - began
print(f"\n{seconds} {usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status) and 1)
