"""The directory's memory: scim2-server's own storage, filled from the sandbox's store and writing through to it."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from typing import Any

from scim2_models import Resource, ResourceType, ScimProvider
from scim2_server.memory import InMemoryStorage

from hrorch_pipelines.sandbox.servers.access import INTEGRATION
from hrorch_pipelines.sandbox.servers.records import SystemRecords, WriteFate, current_fate
from hrorch_pipelines.sandbox.store import Document

COLLECTIONS = {"User": "users", "Group": "groups"}


class StoredDirectory(InMemoryStorage):
    """Keeps resources as scim2-server does; every write goes to the store too, with the fate of its request.

    `catch_up` takes over what others wrote to the store's file, such as the world's time moving on.
    """

    def __init__(self, records: SystemRecords, provider: ScimProvider) -> None:
        super().__init__(clock=records.clock.now)
        self._records = records
        self._models: dict[str, Any] = {str(kind.name): provider.model_for(kind) for kind in provider.resource_types}
        events = records.store.events()
        self.versions = itertools.count(events[-1].event + 1 if events else 1)
        self._glance: sqlite3.Connection | None = None
        self._seen_at = -1
        self._seen: dict[tuple[str, str], str] = {}

    def catch_up(self) -> None:
        """Load what is new or changed in the store and forget what is gone; nothing when its file did not change."""
        if self._glance is None:
            self._glance = sqlite3.connect(self._records.store.path, timeout=15, isolation_level=None)
            self._records.closing.append(self._glance.close)
        state = self._glance.execute("PRAGMA data_version").fetchone()[0]
        if state == self._seen_at:
            return
        rows = self._glance.execute("SELECT collection, id, version FROM documents WHERE deleted = 0").fetchall()
        now = {(collection, key): version for collection, key, version in rows}
        kinds = {collection: name for name, collection in COLLECTIONS.items()}
        for collection, key in self._seen.keys() - now.keys():
            self._remove((kinds[collection], key))
        for collection, key in [place for place, version in now.items() if self._seen.get(place) != version]:
            document = self._records.store.get(collection, key)
            if collection in kinds and document is not None:
                self._load(kinds[collection], document)
        self._seen, self._seen_at = now, state

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """As scim2-server's, written through."""
        created = super().create(resource_type, resource)
        name, fate = str(resource_type.name), current_fate()
        if fate.kind != "applied":
            self._remove((name, str(created.id)))
        self._write(fate, lambda: self._keep(name, created))
        return created

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        """As scim2-server's, written through."""
        fate, name = current_fate(), str(resource_type.name)
        before = self._stored(resource_type, resource.id)
        updated = super().update(resource_type, resource, expected_version=expected_version)
        if fate.kind != "applied":
            self._store(before, self._values_of(before))
        self._write(fate, lambda: self._keep(name, updated))
        return updated

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        """As scim2-server's, written through."""
        fate, name = current_fate(), str(resource_type.name)
        before = self._stored(resource_type, resource_id)
        super().delete(resource_type, resource_id, expected_version=expected_version)
        if fate.kind != "applied":
            self._store(before, self._values_of(before))
        self._write(fate, lambda: self._forget(name, resource_id))

    def _remove(self, key: tuple[str | None, str]) -> None:
        """As scim2-server's, which counts on unique names; a world may hold two accounts of one name."""
        own = {
            urn: value for urn, value in self._unique_values.get(key, {}).items() if self._owners[urn].get(value) == key
        }
        self._unique_values[key] = own
        super()._remove(key)

    def _write(self, fate: WriteFate, apply: Callable[[], None]) -> None:
        if fate.kind == "applied":
            apply()
        elif fate.kind == "late":
            self._records.postpone(fate, apply)

    def _keep(self, name: str, resource: Resource[Any]) -> None:
        kept = resource.model_copy(deep=True)
        self._store(kept, self._values_of(kept))
        version = kept.meta.version if kept.meta is not None else None
        document = self._records.store.put(
            COLLECTIONS[name], str(kept.id), kept.model_dump(), at=self.clock(), by=INTEGRATION, version=version
        )
        self._seen[(COLLECTIONS[name], document.id)] = document.version

    def _forget(self, name: str, key: str) -> None:
        self._remove((name, key))
        self._records.store.delete(COLLECTIONS[name], key, at=self.clock(), by=INTEGRATION)
        self._seen.pop((COLLECTIONS[name], key), None)

    def _load(self, name: str, document: Document) -> None:
        body = {key: value for key, value in document.body.items() if key != "meta"}
        version = document.version if document.version.startswith("W/") else f'W/"{document.version}"'
        created = document.body.get("meta", {}).get("created") or document.updated_at
        meta = {"resourceType": name, "created": created, "lastModified": document.updated_at, "version": version}
        resource: Resource[Any] = self._models[name].model_validate({**body, "id": document.id, "meta": meta})
        self._store(resource, self._values_of(resource))
