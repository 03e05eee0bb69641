"""limner as a program uses it: open a folder, get a door to a user."""

import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from limner.agents.companion import Companion
from limner.agents.recommender import RecommendingAgent
from limner.api.everyone import CONCURRENCY, Everyone, EveryoneReflection, EveryoneStep
from limner.api.reflector import BackgroundReflector
from limner.api.schedule import Schedule
from limner.api.talking import Talking
from limner.api.user import User
from limner.api.world import World
from limner.errors import ConfigurationError, DownloadError, LimnerWarning
from limner.inference import Encoder, LanguageModel, Ledger, Portal
from limner.inference.encoder import earlier_encoder
from limner.inference.encoder import encoder as encoder_of
from limner.inference.language_model import language_model
from limner.memory import Memory
from limner.memory.backup import Backup
from limner.memory.importing import Conversations, Imported
from limner.memory.merging import Merged
from limner.memory.restoring import Restored, restore
from limner.memory.status import StoreStatus, UserSummary
from limner.profiles.portraitist import Portraitist
from limner.profiles.propositions import ItemKnowledge
from limner.profiles.registry import Means, portraitist
from limner.settings import Settings
from limner.tools import Dataset, load_dataset

__all__ = ["Limner"]

_PAGE = 500
"""Users whose waiting observations are looked up at once."""


def _silent(step: EveryoneStep) -> None:
    """Take no notice of a step."""


class Limner(Talking):
    """Everything limner keeps in one place, and the models it uses; open one per process and share it.

    Safe to use from several threads. The language model, the encoder and the recommenders are loaded when they are first
    needed: `observe` needs none of them.

    ```python
    with Limner.open("~/.limner") as limner:
        ada = limner.user("ada")
        ada.observe("We have a newborn, so nothing over two hours on weeknights.", source="chat")
        ada.reflect()
        print(ada.portrait().text)
    ```
    """

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        encoder: Encoder,
        *,
        model: LanguageModel | None = None,
        world: World | None = None,
    ) -> None:
        self.settings = settings
        self.memory = memory
        self.encoder = encoder
        self.world = world
        self._portal = Portal()
        self.ledger = model.ledger if model is not None else Ledger()
        self._model = model
        self._owns_model = model is None
        self._agent: RecommendingAgent | None = None
        self._lock = threading.RLock()
        self._closed = False
        memory.retention.watch()
        self.reflector = BackgroundReflector(
            Schedule.parse(settings.reflect_every),
            lambda user_id: self.user(user_id).reflect(),
            self._due,
            lambda user_id: memory.user(user_id).status().pending,
        )

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        settings: Settings | None = None,
        model: LanguageModel | None = None,
        encoder: Encoder | None = None,
        dataset: Dataset | str | Path | None = None,
    ) -> Self:
        """Open a folder, making it if it is not there; SQLite, Chroma and a local model, with nothing else to start.

        Args:
            path: The folder; none takes `settings.home`.
            settings: Everything else; none reads environment and `limner.toml`.
            model: A language model, which stays the caller's to close; none is the settings' own. `LanguageModel.wrap` takes any langchain chat model.
            encoder: An encoder; none is the settings' own.
            dataset: What is recommended from; none is the settings' own.

        Raises:
            ConfigurationError: The settings do not fit together, or a newer limner wrote the folder.
            StoreError: The database cannot be opened.
        """
        settings = settings or Settings()
        if path is not None:
            settings = settings.model_copy(update={"home": Path(path).expanduser().absolute()})
        encoder = encoder or encoder_of(settings)
        memory = Memory(settings, encoder, earlier=partial(earlier_encoder, settings))
        try:
            return cls(settings, memory, encoder, model=model, world=_world(settings, dataset, encoder))
        except BaseException:
            memory.close()
            raise

    def check_open(self) -> None:
        """Make sure that this limner has not been closed.

        Raises:
            ConfigurationError: It has.
        """
        if self._closed:
            raise ConfigurationError("This limner is closed; open it again.")

    @property
    def portal(self) -> Portal:
        """The door from sync into async code.

        Raises:
            ConfigurationError: This limner is closed.
        """
        self.check_open()
        return self._portal

    def user(self, user_id: str) -> User:
        """Return the only door to one user's data; nothing is stored before something is observed.

        Raises:
            InputError: This is no user id.
        """
        return User(self, self.memory.user(user_id))

    def users(self) -> list[str]:
        """Return the ids of all users about whom something is stored."""
        return self.memory.users()

    def reflect_all(
        self,
        users: Collection[str] | None = None,
        *,
        concurrency: int | None = None,
        progress: Callable[[EveryoneStep], None] = _silent,
    ) -> EveryoneReflection:
        """Draw conclusions from everything that waits, of many users side by side and of each in order.

        May be interrupted or killed: what is finished is kept, the batches in hand go back to waiting, and the next run goes on
        from there. Several runs may work on one store at once; no two of them work on one user.

        Args:
            users: Whom it is about; none is everybody.
            concurrency: How many users are worked on side by side; none is 1 on the embedded engine, and else 32.
            progress: Called at each change, from another thread.

        Returns:
            What was done; a user of whom a batch failed stops nobody else and is told in `failed`.

        Raises:
            ModelUnavailable: The endpoint is down, or stayed busy; what was not finished waits.
            StoreError: The store failed; likewise.
            InputError: `concurrency` is less than 1.
        """
        return self.portal.run(partial(self.areflect_all, users, concurrency=concurrency, progress=progress))

    async def areflect_all(
        self,
        users: Collection[str] | None = None,
        *,
        concurrency: int | None = None,
        progress: Callable[[EveryoneStep], None] = _silent,
    ) -> EveryoneReflection:
        """Async twin of `reflect_all`."""
        self.check_open()
        if concurrency is None:
            embedded = self._owns_model and self.settings.base_url is None
            concurrency = 1 if embedded else CONCURRENCY
        return await Everyone(self, users, concurrency, progress).run()

    def overview(self, *, sizes: bool = False) -> list[UserSummary]:
        """Return for each user about whom something is stored how much it is, from where, and since when they pause.

        Args:
            sizes: Whether to tell how large it is, for which every row is looked at.
        """
        return self.memory.overview(sizes=sizes)

    def export(self, *, vectors: bool = False) -> Iterator[Mapping[str, object]]:
        """Yield everything that is stored about everybody, as `User.export` does of one user."""
        return self.memory.export(vectors=vectors)

    def import_file(
        self, path: str | Path, *, merge: bool = False, conversations: Conversations = "refuse"
    ) -> list[Imported]:
        """Take in an export; each user is taken in whole or not at all.

        Args:
            path: A file of JSON Lines, as `export` gives them.
            merge: Whether users may be there already; what the file has more is added, and nothing is overwritten.
            conversations: What becomes of a file that has conversations: `refuse` it, `take` them, or `leave` them out. Reading one
                later can run code that the file names: take them only where nobody else could have changed it.

        Raises:
            InputError: A line cannot be used, or a user is there and `merge` is not set; the message says which line and why.
            ConfigurationError: A newer limner wrote the file.
        """
        self.check_open()
        return self.memory.import_file(Path(path).expanduser(), merge=merge, conversations=conversations)

    def backup(self, destination: str | Path) -> Backup:
        """Write everything that is stored of everybody into one file, while others go on writing.

        Args:
            destination: A file that is not there yet, or a folder.

        Raises:
            ConfigurationError: The store is on PostgreSQL, whose own tools back it up.
            InputError: The file is there already, or lies in the data folder.
            StoreError: It cannot be written, or is not whole.
        """
        self.check_open()
        return self.memory.backup(Path(destination))

    @classmethod
    def restore(
        cls, source: str | Path, path: str | Path | None = None, *, settings: Settings | None = None
    ) -> Restored:
        """Put a folder back to what a backup holds; what was forgotten since is forgotten again.

        Close what has the folder open first, or let it be opened anew afterwards.

        Args:
            source: The backup.
            path: The folder; none takes `settings.home`.
            settings: Everything else; none reads environment and `limner.toml`.

        Raises:
            ConfigurationError: The store is on PostgreSQL, or a newer limner wrote the backup.
            InputError: The file is no backup, or there is another store in the folder.
            StoreError: The backup is damaged, or the store cannot be written; the store is as it was.
        """
        settings = settings or Settings()
        if path is not None:
            settings = settings.model_copy(update={"home": Path(path).expanduser().absolute()})
        return restore(settings.database_place, Path(source))

    def merge(self, merged_id: str, user_id: str) -> Merged:
        """Let everything of one id be another's; the old id is gone afterwards but for where things came from.

        It stands here and not at a user's door because it is about two users. Let your program use the id that stays before you
        call it: who goes on using the old one begins a new user.

        Args:
            merged_id: The id that goes.
            user_id: The id that stays; it need not have anything yet.

        Raises:
            InputError: Both are the same, or one is no user id.
            NotFound: Nothing is stored under the id that goes.
        """
        self.check_open()
        return self.memory.merge(merged_id, user_id)

    def status(self) -> StoreStatus:
        """Return how much is stored, and what still waits."""
        return self.memory.status()

    @property
    def model(self) -> LanguageModel:
        """The language model; starts the embedded engine at first use where no endpoint is set.

        Raises:
            ConfigurationError: The model cannot be found, or an extra is not installed.
            DownloadError: A packaged model cannot be fetched.
        """
        with self._lock:
            self.check_open()
            if self._model is None:
                self._model = language_model(self.settings, self.ledger)
            return self._model

    def known_items(self) -> ItemKnowledge | None:
        """Return what the data set tells about items; none where there is no data set, or it cannot be had now.

        What a user said does not need the data set to be reflected on, so its absence is a warning and no error.
        """
        if self.world is None:
            return None
        try:
            return self.world.knowledge()
        except DownloadError as error:
            warnings.warn(f"Reflecting without the data set: {error}", LimnerWarning, stacklevel=2)
            return None

    @property
    def agent(self) -> RecommendingAgent | None:
        """The recommending agent; none where there is nothing to recommend from.

        Raises:
            DownloadError: The data set could not be fetched.
        """
        with self._lock:
            if self._agent is None and self.world is not None:
                world, fitted = self.world, self.world.recommenders
                self._agent = RecommendingAgent(
                    fitted[0].catalogue if fitted else world.catalogue,  # the one they are over
                    fitted,
                    self.model,
                    self.settings.prompts,
                    item_type=world.dataset.item_type,
                )
            return self._agent

    def portraitist(self, kind: str) -> Portraitist:
        """Return the way of drawing of this name, such as `propositions` or `summary`; see `profiles.registry`.

        Raises:
            ConfigurationError: There is none of this name.
        """
        means = Means(self.settings, lambda: self.model, lambda: self.encoder, self.known_dataset)
        return portraitist(kind, means)

    def known_dataset(self) -> Dataset | None:
        """Return what is recommended from; none where there is no data set, or it cannot be had now."""
        try:
            return None if self.world is None else self.world.dataset
        except DownloadError as error:
            warnings.warn(f"Going on without the data set: {error}", LimnerWarning, stacklevel=2)
            return None

    def companion(self) -> Companion:
        """Return what answers questions; it recommends where there is something to recommend from."""
        try:
            agent = self.agent
        except DownloadError as error:
            warnings.warn(f"Answering without recommendations: {error}", LimnerWarning, stacklevel=2)
            agent = None
        return Companion(
            self.model,
            self.portraitist("propositions"),
            recommender=agent,
            catalogue=self.world.catalogue if self.world is not None and agent is not None else None,
            weights=self.settings.recall.model_copy(
                update={"diversity": self.settings.recall.diversity or 0.3}
            ),
            prompts=self.settings.prompts,
        )

    def close(self) -> None:
        """Stop the background, the engine and the store; closing twice does nothing. What is stored stays.

        A reflection in progress is cancelled: its finished batches are kept, the one in hand goes back to waiting.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        with ExitStack() as ends:  # from the last to the first, each whatever became of the others
            ends.callback(self.memory.close)
            if self._model is not None and self._owns_model:
                ends.callback(self._model.close)
            ends.callback(self.reflector.close)
            ends.callback(self._portal.close)
            ends.callback(self.reflector.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _due(self) -> Sequence[str]:
        return [due.user_id for page in self.memory.waiting.everybody(_PAGE) for due in page]


def _world(settings: Settings, dataset: Dataset | str | Path | None, encoder: Encoder) -> World | None:
    known = dataset if dataset is not None else settings.dataset
    if known is None:
        return None
    source = known if isinstance(known, Dataset) else lambda: load_dataset(known, settings)
    return World(source, settings.recommenders, encoder=encoder, settings=settings)
