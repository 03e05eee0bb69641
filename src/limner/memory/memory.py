"""The memory: one database, one vector index, and a door for each user."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from sqlalchemy import select

from limner.memory.backup import Backup, back_up
from limner.memory.chroma import open_collections
from limner.memory.claims import retry_parked
from limner.memory.database import Database
from limner.memory.export import export
from limner.memory.importing import Conversations, Imported, import_file
from limner.memory.index import VectorIndex
from limner.memory.intake import check_user_id
from limner.memory.merging import Merged, merge_users
from limner.memory.reencoding import Progress, Reencoder
from limner.memory.retention import Retention
from limner.memory.schema import store, users
from limner.memory.snapshot_cache import SnapshotCache
from limner.memory.status import StoreStatus, UserSummary, store_status, summaries
from limner.memory.user import UserMemory
from limner.memory.vectors import Vectorizer
from limner.memory.waiting import Waiting
from limner.settings import Settings

__all__ = ("Memory",)


class Memory:
    """Everything limner knows, about every user; opened once, used from any thread.

    Args:
        settings: Where the database and the index are, and the limits.
        encoder: Makes the vectors; it is not loaded before a search needs one.
        earlier: Returns the encoder of a name and version that vectors are there of, or none where it cannot be loaded.

    Raises:
        ConfigurationError: A newer limner wrote the database, or the URL is unusable.
        StoreError: The database cannot be opened.
    """

    def __init__(
        self,
        settings: Settings,
        encoder: Vectorizer,
        *,
        earlier: Callable[[str, str], Vectorizer | None] | None = None,
    ) -> None:
        self.settings = settings
        self.encoder = encoder
        self.database = Database(settings.database_place)
        self.reencoder = Reencoder(self.database, encoder, earlier)
        with self.database.read() as connection:
            store_id = connection.execute(select(store.c.id)).scalar_one()
        collections = open_collections(settings.chroma_url, settings.home / "index", store_id)
        self.snapshots = SnapshotCache(self.database, settings.snapshot_mb << 20)
        self.index = VectorIndex(self.database, collections, encoder, settings.exact_limit, self.snapshots)
        if self.database.was_in_use:
            self.index.finish_erasures()
        self.waiting = Waiting(self.database)
        self.retention = Retention(self)
        self.retention.run_when_due()

    def user(self, user_id: str) -> UserMemory:
        """Return the door to one user's data; nothing is created until something is written.

        Raises:
            InputError: This is no user id.
        """
        self.retention.run_when_due()
        return UserMemory(self, check_user_id(user_id))

    def users(self) -> list[str]:
        """Return the ids of all users who have data, in order."""
        with self.database.read() as connection:
            return list(connection.execute(select(users.c.id).order_by(users.c.id)).scalars())

    def overview(self, *, sizes: bool = False) -> list[UserSummary]:
        """Return for each user who has data how much it is, where it came from and when; by id.

        Args:
            sizes: Whether to tell how large it is, for which every row is looked at.
        """
        with self.database.read() as connection:
            return summaries(connection, sizes=sizes)

    def export(self, *, vectors: bool = False) -> Iterator[dict[str, object]]:
        """Yield everything stored of everybody, as `UserReader.export` does of one user.

        Args:
            vectors: Whether vectors are exported too.

        Raises:
            StaleClaim: Something was forgotten since the export began.
        """
        return export(self.database, None, encoder=self.encoder, with_vectors=vectors)

    def import_file(
        self, path: Path, *, merge: bool = False, conversations: Conversations = "refuse"
    ) -> list[Imported]:
        """Take in an export; each user's section is stored as a whole or not at all.

        Args:
            path: The file.
            merge: Whether users may be there already; what the file has more is added to them.
            conversations: Whether the file may have conversations: `take` only from a file that nobody else could have
                changed, because reading one later can run code that it names; `leave` passes over them.

        Returns:
            What became of each user.

        Raises:
            InputError: A line cannot be used, or a user is there and `merge` is not set; the message says which line and why.
            ConfigurationError: A newer limner wrote the file.
        """
        return import_file(self.database, path, merge=merge, conversations=conversations)

    def backup(self, destination: Path) -> Backup:
        """Write everything that is stored of everybody into one file, while others go on writing.

        Args:
            destination: A file that is not there yet, or a folder.

        Raises:
            ConfigurationError: The store is on PostgreSQL, whose own tools back it up.
            InputError: The file is there already, or lies in the data folder.
            StoreError: It cannot be written, or is not whole.
        """
        return back_up(self.database, self.settings.home, destination)

    def merge(self, merged_id: str, user_id: str) -> Merged:
        """Let everything of one id be another's, and say where it came from; the old id is gone afterwards.

        Reflections under way on either apply nothing, and what they had in hand waits again.

        Args:
            merged_id: The id that goes.
            user_id: The id that stays; it need not have anything yet.

        Raises:
            InputError: Both are the same, or one is no user id.
            NotFound: Nothing is stored under the id that goes.
        """
        done = merge_users(self.database, check_user_id(merged_id), check_user_id(user_id))
        self.snapshots.drop(merged_id)
        self.index.erase_strays()
        return done

    def retry_parked(self) -> int:
        """Let everybody's parked observations be tried again; return how many there were."""
        with self.database.write() as connection:
            return retry_parked(connection, None)

    def drain_index(self) -> int:
        """Bring the vector index up to date, encoding what has no vector yet.

        Users with at most `settings.exact_limit` documents of a kind have no index and need none.

        Returns:
            How many vectors went into the index; 0 also while another process has it.
        """
        self.retention.run_when_due()
        self.reencoder.finish()
        return self.index.drain()

    def encode(self, progress: Progress | None = None) -> int:
        """Encode what has no vector of the encoder in force, and remove the vectors of others; what is done stays done.

        Args:
            progress: Is told from time to time how many documents are done, and how many there are.

        Returns:
            How many were encoded.
        """
        encoded = self.reencoder.finish(progress)
        self.index.drain()
        return encoded

    def rebuild_index(self) -> int:
        """Make the vector index anew from SQL, without encoding anything.

        Returns:
            How many vectors went in; users with at most `settings.exact_limit` documents of a kind need none.
        """
        return self.index.rebuild()

    def scrub(self) -> list[str]:
        """Overwrite what was erased, where that could not be done at once; return what is left, in words."""
        left = (self.index.erase_strays(), self.database.scrub())
        return [remnant for remnant in left if remnant is not None]

    def status(self) -> StoreStatus:
        """Return how much is stored in all, and what still waits."""
        with self.database.read() as connection:
            return store_status(connection)

    def close(self) -> None:
        """Close every file and connection; the handle cannot be used afterwards."""
        self.reencoder.close()
        self.retention.close()
        self.snapshots.clear()
        self.index.close()
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
