"""What the C library's allocator leaves in memory that it hands out."""

import ctypes

__all__ = ("perturb_memory",)

_M_PERTURB = -6
"""Parameter of glibc's `mallopt`, from `malloc.h`."""


def perturb_memory() -> bool:
    """Let the allocator overwrite what is freed, and fill what it hands out; return whether it can.

    hnswlib sets room aside for further vectors and writes it to its file as `malloc` gave it, with whatever lay there
    before: vectors that were erased, texts of another user (seen with chromadb 1.5.9). It holds for the whole process.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no GNU C library, or none at all under that name
        return False
    return bool(mallopt(_M_PERTURB, 0x55))
