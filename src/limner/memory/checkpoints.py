"""Conversations behind the user's one door: a LangGraph checkpointer over the memory's database.

Every checkpoint is one row that holds its whole state, so that erasing a row erases what was said up to it.
"""

import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from anyio import to_thread
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
    writes_sort_key,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, insert, select, update

from limner.errors import InputError, StaleClaim
from limner.memory.database import Database
from limner.memory.intake import clean_text
from limner.memory.records import utc_now
from limner.memory.rows import chunked, ensure_user, lock_user
from limner.memory.schema import checkpoint_writes, checkpoints, erasures, users

__all__ = ("Checkpoints",)

_MAX_THREAD = 256
_REMEMBERED = 1024
"""Checkpoints whose writes are kept until they are stored themselves, and threads of which it is known when they were read."""

_ERASED = "What this conversation builds on was erased meanwhile; begin it again."

_Place = tuple[str, str, str]
"""Thread, namespace and id of a checkpoint."""


class Checkpoints(BaseCheckpointSaver[int]):
    """Keeps the conversations of one user; hand it to a graph as `checkpointer`.

    Where something was forgotten after a run had read its thread, what the run would store is refused (`StaleClaim`): it
    has the state from before in hand, and would bring it back.

    Args:
        database: Where they are kept.
        user_id: Whose they are.
        serde: How a state becomes bytes; LangGraph's own by default.
    """

    def __init__(self, database: Database, user_id: str, *, serde: SerializerProtocol | None = None) -> None:
        super().__init__(serde=serde)
        self._database = database
        self._user_id = user_id
        self._guard = threading.Lock()
        # LangGraph stores a checkpoint and its first writes side by side; these must not be stored before it.
        self._early: OrderedDict[_Place, list[dict[str, Any]]] = OrderedDict()
        self._read: OrderedDict[str, tuple[datetime | None, datetime | None]] = OrderedDict()

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that `config` names, or the newest of its thread."""
        thread, namespace = _thread(config)
        c = checkpoints.c
        statement = select(checkpoints).where(*self._mine(checkpoints, thread), c.namespace == namespace)
        if wanted := get_checkpoint_id(config):
            statement = statement.where(c.id == wanted)
        with self._guard, self._database.read() as connection:
            self._read[thread] = self._erased(connection)
            while len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
            row = connection.execute(statement.order_by(c.id.desc()).limit(1)).first()
            return None if row is None else self._tuple(connection, row)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: Mapping[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, newest first.

        Args:
            config: Thread, and perhaps namespace and id; none means every thread of this user.
            filter: Values that the metadata must have.
            before: Only those older than this one.
            limit: How many at most.
        """
        c = checkpoints.c
        statement = select(checkpoints).where(c.user_id == self._user_id).order_by(c.id.desc())
        if config is not None:
            statement = statement.where(c.thread_id == _thread(config)[0])
            if (namespace := config["configurable"].get("checkpoint_ns")) is not None:
                statement = statement.where(c.namespace == namespace)
            if wanted := get_checkpoint_id(config):
                statement = statement.where(c.id == wanted)
        if before is not None and (end := get_checkpoint_id(before)):
            statement = statement.where(c.id < end)
        if limit is not None and not filter:
            statement = statement.limit(limit)
        with self._database.read() as connection:
            found = [self._tuple(connection, row) for row in connection.execute(statement).all()]
        agreeing = [one for one in found if _agrees(one.metadata, filter or {})]
        yield from agreeing[:limit]

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint; one with the same id is replaced.

        Raises:
            StaleClaim: The one that it builds on was erased, or something was forgotten since the thread was read.
            InputError: The thread's name is empty or longer than 256 characters.
        """
        thread, namespace = _thread(config)
        parent = get_checkpoint_id(config)
        place = (thread, namespace, checkpoint["id"])
        kind, state = self.serde.dumps_typed(checkpoint)
        described = get_checkpoint_metadata(config, metadata)
        metadata_kind, metadata_bytes = self.serde.dumps_typed(described)
        row = {
            "parent_id": parent,
            "run_id": described.get("run_id"),
            "type": kind,
            "state": state,
            "metadata_type": metadata_kind,
            "metadata": metadata_bytes,
            "recorded_at": utc_now(),
        }
        with self._guard:
            early = self._early.pop(place, [])
            with self._database.write() as connection:
                lock_user(connection, self._user_id)
                self._check_current(connection, thread)
                if parent is not None and not self._there(connection, (thread, namespace, parent)):
                    raise StaleClaim(_ERASED)
                ensure_user(connection, self._user_id)
                if self._there(connection, place):
                    connection.execute(update(checkpoints).where(*self._at(place)).values(row))
                else:
                    named = {"user_id": self._user_id, "thread_id": thread, "namespace": namespace}
                    connection.execute(insert(checkpoints).values({**named, "id": checkpoint["id"], **row}))
                self._store_writes(connection, place, early)
        return _config(*place)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store what a task wrote after a checkpoint; of an ordinary write the first one stays.

        Raises:
            StaleClaim: Something was forgotten since the thread was read.
        """
        thread, namespace = _thread(config)
        place = (thread, namespace, config["configurable"]["checkpoint_id"])
        now = utc_now()
        rows = []
        for number, (channel, value) in enumerate(writes):
            kind, content = self.serde.dumps_typed(value)
            position = WRITES_IDX_MAP.get(channel, number)
            row = {"task_id": task_id, "position": position, "task_path": task_path, "channel": channel}
            rows.append({**row, "type": kind, "value": content, "recorded_at": now})
        with self._guard, self._database.write() as connection:
            lock_user(connection, self._user_id)
            self._check_current(connection, thread)
            if self._there(connection, place):
                self._store_writes(connection, place, rows)
                return
            self._early.setdefault(place, []).extend(rows)
            while len(self._early) > _REMEMBERED:
                self._early.popitem(last=False)

    def delete_thread(self, thread_id: str) -> None:
        """Remove a conversation."""
        with self._database.write() as connection:
            connection.execute(delete(checkpoints).where(*self._mine(checkpoints, str(thread_id))))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints that some runs of a graph made."""
        with self._database.write() as connection:
            for chunk in chunked(run_ids):
                made = checkpoints.c.run_id.in_([str(run) for run in chunk])
                connection.execute(delete(checkpoints).where(checkpoints.c.user_id == self._user_id, made))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a conversation, all of its checkpoints and writes, under another name."""
        target = clean_text(str(target_thread_id), max_chars=_MAX_THREAD, what="A thread")
        now = utc_now()
        with self._database.write() as connection:
            lock_user(connection, self._user_id)
            for table in (checkpoints, checkpoint_writes):
                own = select(table).where(*self._mine(table, str(source_thread_id)))
                rows = [dict(row) for row in connection.execute(own).mappings()]
                if rows:
                    copied = [{**row, "thread_id": target, "recorded_at": now} for row in rows]
                    connection.execute(insert(table), copied)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Remove old checkpoints of some threads.

        Args:
            thread_ids: Which.
            strategy: `keep_latest` leaves the newest of each namespace, `delete` none.

        Raises:
            InputError: There is no such strategy.
        """
        if strategy not in ("keep_latest", "delete"):
            raise InputError(f"A strategy is keep_latest or delete; not {strategy!r}.")
        with self._database.write() as connection:
            for thread in map(str, thread_ids):
                c = checkpoints.c
                own = select(c.namespace, c.id).where(*self._mine(checkpoints, thread)).order_by(c.id)
                newest = {row.namespace: row.id for row in connection.execute(own)}
                kept = newest.items() if strategy == "keep_latest" else ()
                gone = delete(checkpoints).where(*self._mine(checkpoints, thread))
                for namespace, id in kept:
                    gone = gone.where((c.namespace != namespace) | (c.id != id))
                connection.execute(gone)

    # A database is called off the event loop.

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Async twin of `get_tuple`."""
        return await to_thread.run_sync(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: Mapping[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Async twin of `list`."""
        listed = self.list(config, filter=filter, before=before, limit=limit)
        for one in await to_thread.run_sync(lambda: [*listed]):
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Async twin of `put`."""
        return await to_thread.run_sync(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Async twin of `put_writes`."""
        await to_thread.run_sync(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Async twin of `delete_thread`."""
        await to_thread.run_sync(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Async twin of `delete_for_runs`."""
        await to_thread.run_sync(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Async twin of `copy_thread`."""
        await to_thread.run_sync(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Async twin of `prune`."""
        await to_thread.run_sync(lambda: self.prune(thread_ids, strategy=strategy))

    def _tuple(self, connection: Connection, row: Row[Any]) -> CheckpointTuple:
        place = (row.thread_id, row.namespace, row.id)
        parent = None if row.parent_id is None else _config(row.thread_id, row.namespace, row.parent_id)
        w = checkpoint_writes.c
        statement = select(checkpoint_writes).where(*self._of(place))
        written = sorted(
            connection.execute(statement.order_by(w.task_id, w.position)).all(),
            key=lambda write: writes_sort_key(write.task_path, write.task_id, write.position),
        )
        return CheckpointTuple(
            config=_config(*place),
            checkpoint=self.serde.loads_typed((row.type, row.state)),
            metadata=self.serde.loads_typed((row.metadata_type, row.metadata)),
            parent_config=parent,
            pending_writes=[
                (one.task_id, one.channel, self.serde.loads_typed((one.type, one.value))) for one in written
            ],
        )

    def _store_writes(self, connection: Connection, place: _Place, rows: Sequence[Mapping[str, Any]]) -> None:
        thread, namespace, id = place
        named = {"user_id": self._user_id, "thread_id": thread, "namespace": namespace, "checkpoint_id": id}
        w = checkpoint_writes.c
        for row in rows:
            same = (*self._of(place), w.task_id == row["task_id"], w.position == row["position"])
            if connection.execute(select(w.position).where(*same)).first() is None:
                connection.execute(insert(checkpoint_writes).values({**named, **row}))
            elif row["position"] < 0:
                connection.execute(update(checkpoint_writes).where(*same).values(row))

    def _check_current(self, connection: Connection, thread: str) -> None:
        if thread not in self._read:
            return
        before, now = self._read[thread], self._erased(connection)
        appeared = (
            before[0] is None and now[1] is None
        )  # the run itself has stored the first thing about this user
        if before != now and not appeared:
            raise StaleClaim(_ERASED)

    def _erased(self, connection: Connection) -> tuple[datetime | None, datetime | None]:
        """Return since when there is this user, and when something of theirs was forgotten last."""
        since = select(users.c.created_at).where(users.c.id == self._user_id)
        last = select(func.max(erasures.c.erased_at)).where(erasures.c.user_id == self._user_id)
        return connection.execute(since).scalar(), connection.execute(last).scalar()

    def _there(self, connection: Connection, place: _Place) -> bool:
        return connection.execute(select(checkpoints.c.id).where(*self._at(place))).first() is not None

    def _at(self, place: _Place) -> tuple[ColumnElement[bool], ...]:
        c = checkpoints.c
        return (*self._mine(checkpoints, place[0]), c.namespace == place[1], c.id == place[2])

    def _of(self, place: _Place) -> tuple[ColumnElement[bool], ...]:
        w = checkpoint_writes.c
        return (
            *self._mine(checkpoint_writes, place[0]),
            w.namespace == place[1],
            w.checkpoint_id == place[2],
        )

    def _mine(self, table: Table, thread: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.user_id == self._user_id, table.c.thread_id == thread


def _thread(config: RunnableConfig) -> tuple[str, str]:
    named = config["configurable"]
    thread = clean_text(str(named["thread_id"]), max_chars=_MAX_THREAD, what="A thread")
    return thread, named.get("checkpoint_ns") or ""


def _config(thread: str, namespace: str, id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": id}}


def _agrees(metadata: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(metadata.get(name) == value for name, value in wanted.items())
