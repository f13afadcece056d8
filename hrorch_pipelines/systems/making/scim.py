"""Makes accounts in a SCIM 2.0 directory (RFC 7644 §3.3) under an `externalId` of ours, by which each is found again.

Bodies are `new_record`, who is the same `same`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import scim2_client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import SearchRequest

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record, ScimRead
from hrorch_pipelines.stack.writing import ScimCreate
from hrorch_pipelines.systems.making.known import KnownPeople
from hrorch_pipelines.systems.making.new_record import asked, blank, new_record
from hrorch_pipelines.systems.making.protocol import Making, NewRecord, Seen
from hrorch_pipelines.systems.making.reading import Found, read_all
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.scim import MODELS, client_for
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.places import exact, text_of
from hrorch_pipelines.systems.writing.protocol import Preview, Receipt, WriteFault
from hrorch_pipelines.systems.writing.remap import Mapped, Remap
from hrorch_pipelines.systems.writing.rest_body import shown
from hrorch_pipelines.systems.writing.scim_transport import one_shot

_CORE = "urn:ietf:params:scim:schemas:core:2.0:"


@dataclass
class ScimMaker:
    """One SCIM service. Nothing is reached before `look`.

    `reveal`: previews show values in clear. `scratch`: where what is read may lie for a moment.
    """

    stack: Stack
    system: str
    clock: Clock
    key: bytes = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    reveal: bool = False
    scratch: Path | None = None
    _http: httpx2.Client | None = None
    _remap: Remap | None = None
    _people: dict[str, KnownPeople] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict, repr=False)
    _ours: dict[str, str] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """`rate` is kept outside the connection: it outlives one, and pushes tell each other of it."""
        self.rate = RateLimit(self.stack.systems[self.system].connection.rate, self.sleep)

    def preview(self, making: Making) -> Preview:
        """The POST it would send. Raises WriteFault `unwritable`."""
        new, declared = self._asked(making)
        body, _ = self._body(making, new, declared)
        clear = {"schemas", "externalId", *_form(declared).constant}
        seen = shown(self.stack, declared, body, clear, reveal=self.reveal)
        told = {**seen, "schemas": body["schemas"]}
        return Preview("POST", f"/{self._resource(declared)}s", told, "externalId: the same for every try")

    def look(self, making: Making) -> Seen:
        """Whether it is there: under our own id, else by `matching.keys`. Raises WriteFault `not_done`."""
        new, declared = self._asked(making)
        ours = self._under_our_id(declared, making.idempotency_key)
        if len(ours) > 1:
            return Seen("unclear", why=f"{len(ours)} accounts carry the id that we gave to one")
        if not ours and making.idempotency_key in self._made:
            ours = self._again(new.record, declared, making.idempotency_key)
        if ours:
            return _there(ours[0])
        people = self._known(new.record).people()
        if making.idempotency_key in self._ours:
            return Seen("there", source_id=self._ours[making.idempotency_key])
        seen = people.look(new.values) if people.usable(new.values) else Seen("absent")
        name = self._user_name(new, declared)
        if seen.state == "absent" and name is not None and name.casefold() in self._names:
            return Seen("unclear", why="an account of this user name is there, and no key says whose it is")
        return seen

    def make(self, making: Making, seen: Seen) -> Receipt:
        """POST once. A name that somebody took meanwhile is looked at again: theirs is the account, or it is `refused`.

        Raises WriteFault; ValueError for what is not `absent`.
        """
        if seen.state != "absent":
            raise ValueError(f"only what is absent is made, and this is {seen.state}")
        new, declared = self._asked(making)
        body, row = self._body(making, new, declared)
        try:
            answer = self._posted(declared, body)
        except WriteFault as wrong:
            if wrong.outcome != "not_done":
                self._forget(new.record)
            if wrong.status != 409:
                raise
            return self._taken(making)
        reference = text_of(answer.get("id"))
        if reference is None:
            self._forget(new.record)
        else:
            self._made[making.idempotency_key] = reference
            self._known(new.record).put([replace(row, source_id=reference)])
            self._note({"id": reference, "userName": body.get("userName")})
        meta = answer.get("meta")
        return Receipt(reference=reference, version=text_of(meta.get("version")) if isinstance(meta, dict) else None)

    def close(self) -> None:
        """Give connections and memory back; the maker can be used again."""
        if self._http is not None:
            self._http.close()
        if self._remap is not None:
            self._remap.close()
        self._http = self._remap = None
        for held in (self._people, self._names, self._ours, self._made):
            held.clear()

    def _taken(self, making: Making) -> Receipt:
        seen = self.look(making)
        if seen.state == "there":
            return Receipt(reference=seen.source_id, version=seen.version)
        what = f"{making.place}: another account has this user name, and nothing says that it is the same person's"
        raise fault("taken", what, "refused", status=409)

    def _body(self, making: Making, new: NewRecord, declared: Record) -> tuple[dict[str, Any], Mapped]:
        start = blank(self.stack, self.system, declared, new)
        made = new_record(self.stack, self.system, self._mapping(), new, start)
        name, resource = self._user_name(new, declared), self._resource(declared)
        extensions = [head for head in made.body if head.startswith("urn:")]
        body = {"schemas": [_CORE + resource, *extensions], "externalId": making.idempotency_key}
        if name is not None:
            body["userName"] = name
        return {**body, **made.body}, made.row

    def _user_name(self, new: NewRecord, declared: Record) -> str | None:
        attribute = _form(declared).user_name
        if attribute is None:
            return None
        name = new.values.get(attribute)
        if not name:
            raise unwritable("no_user_name", f"{attribute}: `userName` is made of it, and it is empty")
        return name

    def _posted(self, declared: Record, body: dict[str, Any]) -> dict[str, Any]:
        resource = self._resource(declared)
        try:
            answer = self._client().create(
                MODELS[resource],
                body,
                check_request_payload=False,
                check_response_payload=False,
                url=f"/{resource}s",
            )
        except scim2_client.SCIMClientException as wrong:
            what = f"POST was answered, and not in SCIM ({type(wrong).__name__})"
            raise fault("unknown_outcome", what, "unknown") from None
        if not isinstance(answer, dict):
            raise fault("unknown_outcome", "POST was answered without a resource", "unknown")
        return answer

    def _again(self, record: str, declared: Record, key: str) -> list[dict[str, Any]]:
        """What we made, by the id we were told; not there after all: everything is read again."""
        try:
            answer = self._client().query(MODELS[self._resource(declared)], self._made.pop(key))
        except WriteFault as wrong:
            if wrong.status != 404:
                raise _not_done(wrong) from None
            answer = None
        except scim2_client.SCIMClientException as wrong:
            raise fault("not_records", f"the answer is no SCIM ({type(wrong).__name__})", "not_done") from None
        if isinstance(answer, dict) and answer.get("externalId") == key:
            self._made[key] = text_of(answer.get("id")) or ""
            return [answer]
        self._forget(record)
        return []

    def _under_our_id(self, declared: Record, key: str) -> list[dict[str, Any]]:
        """Resources with our id. A service that cannot filter by it answers 400: then the whole read tells."""
        query: SearchRequest[Any] = SearchRequest(filter=f"externalId eq {exact(key)}")
        try:
            answer = self._client().query(MODELS[self._resource(declared)], query_parameters=query)
        except WriteFault as wrong:
            if wrong.status in {400, 501}:
                return []
            raise _not_done(wrong) from None
        except scim2_client.SCIMClientException as wrong:
            raise fault("not_records", f"the answer is no SCIM ({type(wrong).__name__})", "not_done") from None
        found = answer.get("Resources") or [] if isinstance(answer, dict) else []
        return [one for one in found if isinstance(one, dict) and one.get("externalId") == key]

    def _known(self, record: str) -> KnownPeople:
        if record not in self._people:

            def read(names: frozenset[str], since: datetime | None) -> Iterator[Found]:
                return read_all(
                    self.stack,
                    self.system,
                    record,
                    self.clock,
                    self._mapping(),
                    names,
                    rate=self.rate,
                    sleep=self.sleep,
                    since=since,
                    scratch=self.scratch,
                )

            self._people[record] = KnownPeople(self.stack, self.system, record, read, self.clock.now, self._note)
        return self._people[record]

    def _note(self, resource: dict[str, Any]) -> None:
        key = text_of(resource.get("id"))
        if key is not None:
            for held, name in ((self._names, "userName"), (self._ours, "externalId")):
                value = text_of(resource.get(name))
                if value:
                    held[value.casefold() if name == "userName" else value] = key

    def _forget(self, record: str) -> None:
        self._names.clear()
        self._ours.clear()
        if record in self._people:
            self._people[record].forget()

    def _asked(self, making: Making) -> tuple[NewRecord, Record]:
        new, declared = asked(self.stack, making)
        if declared.parent is not None:
            raise unwritable("no_create", f"{making.place}.{new.record}: SCIM resources have no parent")
        return new, declared

    def _resource(self, declared: Record) -> str:
        if not isinstance(declared.read, ScimRead):
            raise TypeError(f"{self.system} is not declared for SCIM")
        return declared.read.resource

    def _client(self) -> SyncSCIMClient:
        if self._http is None:
            self._http = one_shot(self.stack.systems[self.system], self.clock, self.rate)
        return client_for(self._http)

    def _mapping(self) -> Remap:
        if self._remap is None:
            self._remap = Remap(self.stack, self.system, self.key, "nested")
        return self._remap


def _form(declared: Record) -> ScimCreate:
    if not isinstance(declared.create, ScimCreate):
        raise TypeError("the record type is not declared for SCIM")
    return declared.create


def _not_done(wrong: WriteFault) -> WriteFault:
    """Nothing happens by looking, so what may have happened did not."""
    if wrong.outcome != "unknown":
        return wrong
    return fault(wrong.code, wrong.what, "not_done", status=wrong.status, after=wrong.after)


def _there(resource: dict[str, Any]) -> Seen:
    meta = resource.get("meta")
    version = text_of(meta.get("version")) if isinstance(meta, dict) else None
    return Seen("there", source_id=text_of(resource.get("id")), version=version)
