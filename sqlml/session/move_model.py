"""COPY, EXPORT and IMPORT MODEL, run: what moves, what is checked on the way, and what is said in the end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlml import sql
from sqlml.catalog.export_folder import export_model
from sqlml.catalog.file_access import FileAccess
from sqlml.catalog.import_folder import imported_folder
from sqlml.catalog.records import StoredVersion
from sqlml.catalog.store import Catalog
from sqlml.catalog.transfer import Incoming, Received, copy, receive
from sqlml.engines.engine import Engine
from sqlml.errors import Error
from sqlml.plan.nodes import CopyStored, ReadFolder, WriteFolder
from sqlml.session.expiration import erasure_told
from sqlml.session.models import LoadedModels
from sqlml.session.progress import EventProgress
from sqlml.settings import Settings
from sqlml.source import Span


@dataclass(frozen=True)
class Mover:
    """What moving models needs of a session."""

    engine: Engine
    catalog: Catalog
    models: LoadedModels
    settings: Settings

    def run(self, plan: CopyStored | WriteFolder | ReadFolder, progress: EventProgress) -> str:
        """Moves and says in one line what was done.

        Raises: what `catalog.transfer`, `catalog.folder` and `catalog.file_access` raise, with the place in the statement.
        """
        try:
            match plan:
                case CopyStored():
                    progress.stage("copying")
                    with erasure_told(self.catalog, progress):
                        received = copy(
                            self.engine, self.catalog, plan.source, plan.reference, plan.target, replace=plan.replace, check=progress.check
                        )
                    return _describe(received, "copied")
                case WriteFolder():
                    return self._write(plan, progress)
                case ReadFolder():
                    return self._read(plan, progress)
        except Error as error:
            raise error.at(_place(plan, error.code)) from error.__cause__

    def _write(self, plan: WriteFolder, progress: EventProgress) -> str:
        path = self._access().to_write(plan.uri)
        progress.stage("exporting")
        versions = export_model(self.engine, self.catalog, plan.key, plan.reference, path, overwrite=plan.overwrite, check=progress.check)
        return f"model {plan.key}: {_count(len(versions))} exported to {path}"

    def _read(self, plan: ReadFolder, progress: EventProgress) -> str:
        path = self._access().to_read(plan.uri)
        progress.stage("importing")
        with imported_folder(path) as folder:
            # Looked at before a transaction is open. What is read again in it has the same hashes, or is refused.
            for number in folder.versions:
                progress.check()
                self._validate(folder.load(number, plan.key))

            def read() -> Incoming:
                return Incoming(
                    folder.versions, lambda number: folder.load(number, plan.key), "imported",
                    f"from {path}, manifest sha256 {folder.sha256}", folder.model(plan.key),
                    lambda place, model_id: folder.write_history(self.engine, place, model_id),
                )  # fmt: skip

            with erasure_told(self.catalog, progress):
                received = receive(self.engine, self.catalog, plan.key, read, replace=plan.replace, check=progress.check)
        return _describe(received, "imported")

    def _validate(self, stored: StoredVersion) -> None:
        """Raises: IntegrityError `damaged_state` for what a prediction would refuse."""
        self.models.release(self.models.adopt(stored))

    def _access(self) -> FileAccess:
        name = sql.literal("enable_external_access")
        ((may_touch_files,),) = self.engine.rows(f"SELECT {sql.call('current_setting', name)}")
        return FileAccess(self.settings.allow_files, is_cut_off=may_touch_files is not True)


def _place(plan: CopyStored | WriteFolder | ReadFolder, code: str) -> Span:
    match plan:
        case CopyStored():
            of_target = {"model_exists", "unknown_schema", "read_only_database", "one_database_per_transaction"}
            return plan.target_span if code in of_target else plan.source_span
        case WriteFolder():
            of_model = {"unknown_model", "unknown_version", "unknown_alias", "no_version_then", "damaged_state"}
            return plan.span if code in of_model else plan.uri_span
    of_target = {"model_exists", "unknown_schema", "unknown_database", "read_only_database", "one_database_per_transaction"}
    return plan.span if code in of_target else plan.uri_span


def _describe(received: Received, done: str) -> str:
    return f"model {received.key}: {_count(received.n_versions)} {done}, version {received.version} is the default"


def _count(n_versions: int) -> str:
    return f"{n_versions} version{'s' * (n_versions != 1)}"
