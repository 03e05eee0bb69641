"""What the vector index holds, read from Chroma itself, beside what SQL says it should."""

import numpy as np
from sqlalchemy import select

from limner.memory import Memory
from limner.memory.documents import KINDS, Kind
from limner.memory.rotation import rotated
from limner.memory.schema import documents
from limner.memory.vectors import load_vectors

__all__ = ("check_index", "indexed")


def indexed(memory: Memory, user_id: str, kind: Kind) -> dict[int, np.ndarray]:
    """Return the vectors that lie in a user's collection, by document number."""
    collections = memory.index._collections
    key = memory.index._key(kind, memory.index._seed(user_id))
    if hasattr(collections, "_name"):  # on a server
        client, name = collections._client(), collections._name(user_id, key)
    else:
        client, name = collections._client(user_id), key
    found = client.get_collection(name, embedding_function=None).get(include=["embeddings"])
    return dict(zip(map(int, found["ids"]), found["embeddings"], strict=True))


def check_index(memory: Memory, user_id: str) -> int:
    """Make sure that a user's collections hold exactly the vectors that SQL has; return how many.

    Kinds of which the user has so few documents that no index is needed are passed over.
    """
    checked = 0
    for kind in KINDS:
        with memory.database.read() as connection:
            if memory.index._count(connection, user_id, kind) <= memory.settings.exact_limit:
                continue
            own = select(documents.c.id).where(documents.c.user_id == user_id, documents.c.kind == kind)
            numbers = list(connection.execute(own).scalars())
            numbers, matrix = load_vectors(connection, user_id, memory.encoder, numbers)
        turned = rotated(matrix, memory.index._seed(user_id))
        expected = dict(zip(numbers, turned, strict=True))
        found = indexed(memory, user_id, kind)
        assert found.keys() == expected.keys()
        assert all(np.allclose(found[n], expected[n], atol=1e-5) for n in found)
        checked += len(found)
    return checked
