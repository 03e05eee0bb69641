"""The memory: one database, one vector index, and a door for each user."""

from types import TracebackType

from sqlalchemy import select

from limner.memory.database import Database
from limner.memory.index import VectorIndex
from limner.memory.intake import check_user_id
from limner.memory.schema import users
from limner.memory.user import UserMemory
from limner.memory.vectors import Vectorizer
from limner.settings import Settings

__all__ = ("Memory",)


class Memory:
    """Everything limner knows, about every user; opened once, used from any thread.

    Args:
        settings: Where the database and the index are, and the limits.
        encoder: Makes the vectors; it is not loaded before a search needs one.

    Raises:
        ConfigurationError: A newer limner wrote the database, or the URL is unusable.
        StoreError: The database cannot be opened.
    """

    def __init__(self, settings: Settings, encoder: Vectorizer) -> None:
        self.settings = settings
        self.encoder = encoder
        self.database = Database(settings.sqlalchemy_url)
        self.index = VectorIndex()

    def user(self, user_id: str) -> UserMemory:
        """Return the door to one user's data; nothing is created until something is written.

        Raises:
            InputError: This is no user id.
        """
        return UserMemory(self, check_user_id(user_id))

    def users(self) -> list[str]:
        """Return the ids of all users who have data, in order."""
        with self.database.read() as connection:
            return list(connection.execute(select(users.c.id).order_by(users.c.id)).scalars())

    def close(self) -> None:
        """Close every connection; the handle cannot be used afterwards."""
        self.database.close()

    def __enter__(self) -> "Memory":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
