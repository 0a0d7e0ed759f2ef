"""The memory of the web process: given back where only the start needed it."""

import ctypes
import gc
import importlib

ARENAS = 2  # glibc's allocator keeps one for each thread otherwise, and what any of them once freed stays there
M_ARENA_MAX = -8  # the number of that knob in glibc's malloc.h
# What the first drawing would load: Plotly's encoder compares with NumPy's masked value, and making that module takes
# ten mebibytes, of which eight are free again at once.
FIRST_DRAWING = "numpy.ma"


def settle() -> None:
    """Call it once, when everything is imported and before the first request.

    What lives as long as the process is taken out of the collector's sight too: its whole rounds are short then.
    """
    importlib.import_module(FIRST_DRAWING)
    gc.collect()
    gc.freeze()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc; other systems' allocators have neither
        libc.mallopt(M_ARENA_MAX, ARENAS)
        libc.malloc_trim(0)
