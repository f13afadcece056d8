"""A SCIM 2.0 directory as a target: PATCH operations under If-Match (RFC 7644 §3.5.2, §3.14), through scim2-client.

Reading whole directories is `systems.scim`; values are turned round by `unmap`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import scim2_client
from scim2_client.engines.httpx2 import SyncSCIMClient

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record, ScimRead
from hrorch_pipelines.stack.writing import ScimWrite
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.scim import MODELS, client_for
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.expected import compare, refuse_unknown
from hrorch_pipelines.systems.writing.places import text_of
from hrorch_pipelines.systems.writing.proof import neighbours, prove
from hrorch_pipelines.systems.writing.protocol import Held, Preview, Receipt, Write, WriteFault
from hrorch_pipelines.systems.writing.remap import Remap
from hrorch_pipelines.systems.writing.scim_operations import Operation, operations
from hrorch_pipelines.systems.writing.scim_transport import one_shot
from hrorch_pipelines.systems.writing.unmap import rewrite, written_paths

_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class ScimTarget:
    """One SCIM service. Nothing is reached before `read` or `send`. `reveal`: previews show values in clear."""

    stack: Stack
    system: str
    clock: Clock
    key: bytes = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    reveal: bool = False
    _http: httpx2.Client | None = None
    _remap: Remap | None = None

    def __post_init__(self) -> None:
        """`rate` is kept outside the connection: it outlives one, and pushes tell each other of it."""
        self.rate = RateLimit(self.stack.systems[self.system].connection.rate, self.sleep)

    def preview(self, write: Write, held: Held | None = None) -> tuple[Preview, ...]:
        """The PATCH a write would send. Without `held`, its values as they would be on an empty record."""
        declared, form = self._form(write)
        where = f"/{self._read(declared).resource}s/{write.source_id}"
        if held is None:
            body = {
                path: self._seen(change.attribute, change.after)
                for change in write.changes
                for path in written_paths(declared, change.attribute)
            }
            return (Preview("PATCH", where, body, "If-Match, where the service has versions" if form.etags else None),)
        made = self._operations(write, held)
        body = {
            f"{operation.op} {operation.path}": self._seen(operation.attribute, operation.value) for operation in made
        }
        version = held.version if form.etags else None
        condition = "If-Match: the version read" if version else "none: the record is read again just before"
        return (Preview("PATCH", where, body, condition),)

    def read(self, write: Write) -> Held:
        """Read the resource again."""
        declared, form = self._form(write)
        resource = self._resource(declared, write.source_id)
        if resource is None:
            return Held(found=False)
        wanted = {change.attribute for change in write.changes}
        wanted |= neighbours(self.stack, self.system, write.record, dict.fromkeys(wanted))
        try:
            rows = self._mapping().rows(write.record, [resource], wanted)
        except MappingFault as wrong:
            raise fault("bad_path", wrong.what, "refused") from None
        if not rows or rows[0].deleted:
            return Held(found=False)
        row = rows[0]
        if row.source_id != write.source_id:
            raise fault("not_the_record", f"{write.record}: the answer holds another record", "refused")
        meta = resource.get("meta")
        version = text_of(meta.get("version")) if isinstance(meta, dict) else None
        return Held(
            found=True,
            values={one.attribute: row.values[one.attribute] for one in write.changes if one.attribute in row.values},
            version=(version or row.version) if form.etags else row.version,
            changed_by=row.updated_by,
            changed_at=row.updated_at,
            raw=resource,
        )

    def send(self, write: Write, held: Held) -> Receipt:
        """PATCH once, under If-Match where the resource has a version. Raises WriteFault; see `protocol`."""
        declared, form = self._form(write)
        compare(self.stack, write, held)
        made = self._operations(write, held)
        body = {"schemas": [_PATCH], "Operations": [operation.as_sent() for operation in made]}
        headers = {"If-Match": held.version} if form.etags and held.version else {}
        try:
            answer = self._client().modify(
                MODELS[self._read(declared).resource],
                write.source_id,
                body,
                check_request_payload=False,
                check_response_payload=False,
                headers=headers,
            )
        except scim2_client.SCIMClientException as wrong:
            what = f"PATCH was answered, and not in SCIM ({type(wrong).__name__})"
            raise fault("unknown_outcome", what, "unknown") from None
        meta = answer.get("meta") if isinstance(answer, dict) else None
        return Receipt(version=text_of(meta.get("version")) if isinstance(meta, dict) else None)

    def close(self) -> None:
        """Give connections and memory back; the target can be used again."""
        if self._http is not None:
            self._http.close()
        if self._remap is not None:
            self._remap.close()
        self._http = self._remap = None

    def _operations(self, write: Write, held: Held) -> list[Operation]:
        if not isinstance(held.raw, dict):
            raise unwritable("missing_row", f"{write.record}: there is no record to change")
        if write.effective_from is not None:
            raise unwritable("no_add", f"{write.record}: SCIM keeps no dated rows; a value counts from when it is sent")
        refuse_unknown(write, held)
        changes = {change.attribute: change.after for change in write.changes}
        made = rewrite(self.stack, self.system, write.record, changes, held.raw)
        prove(self._mapping(), write.record, changes, before=[held.raw], after=[made.record], row=0)
        declared = self.stack.systems[self.system].records[write.record]
        return operations(declared, changes, held.raw, made)

    def _resource(self, declared: Record, source_id: str) -> dict[str, Any] | None:
        """GET, once more at once when it failed in passing; None for 404."""
        for last in (False, True):
            try:
                answer = self._client().query(MODELS[self._read(declared).resource], source_id)
            except WriteFault as wrong:
                if wrong.status == 404:
                    return None
                if wrong.outcome not in {"not_done", "unknown"}:
                    raise
                if last or wrong.after is not None:
                    raise fault(wrong.code, wrong.what, "not_done", status=wrong.status, after=wrong.after) from None
                continue
            except scim2_client.SCIMClientException as wrong:
                raise fault("not_records", f"the answer is no SCIM ({type(wrong).__name__})", "not_done") from None
            if not isinstance(answer, dict):
                raise fault("not_records", "the answer is no SCIM resource", "not_done")
            return answer
        raise AssertionError("the loop returns or raises")  # pragma: no cover

    def _seen(self, attribute: str, value: Any) -> Any:
        return value if self.reveal else mask(text_of(value), self.stack.attributes[attribute].sensitivity)

    def _form(self, write: Write) -> tuple[Record, ScimWrite]:
        declared = self.stack.systems[self.system].records[write.record]
        if not isinstance(declared.write, ScimWrite):
            raise unwritable("no_write", f"{self.system}.{write.record}: nothing says how it is changed")
        for change in write.changes:
            written_paths(declared, change.attribute)
        return declared, declared.write

    def _read(self, declared: Record) -> ScimRead:
        if not isinstance(declared.read, ScimRead):
            raise TypeError(f"{self.system} is not declared for SCIM")
        return declared.read

    def _client(self) -> SyncSCIMClient:
        if self._http is None:
            self._http = one_shot(self.stack.systems[self.system], self.clock, self.rate)
        return client_for(self._http)

    def _mapping(self) -> Remap:
        if self._remap is None:
            self._remap = Remap(self.stack, self.system, self.key, "nested")
        return self._remap
