"""A vendor who takes files as a target: many writes go into one change file, the answer comes later in another.

`read` answers from the system's newest export, as of then: the next snapshot confirms. Lines are `file_layouts`, folders
and names `file_drops`, what became of files `file_traces`, exports `file_exports`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from hrorch_pipelines.clock import Clock, local_date
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.file_writing import FileWrite
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import Sensitivity
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.writing import file_drops as drops
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.file_exports import ExportRow, Exports
from hrorch_pipelines.systems.writing.file_layouts import Entry, header_of, lines_of
from hrorch_pipelines.systems.writing.file_traces import Traces
from hrorch_pipelines.systems.writing.places import text_of
from hrorch_pipelines.systems.writing.proof import same
from hrorch_pipelines.systems.writing.protocol import Answer, Held, Preview, Receipt, Write, WriteFault
from hrorch_pipelines.systems.writing.unmap import source_values


class FilesTarget:
    """One vendor's folders; a `BatchTarget`. Nothing is reached before the first call."""

    def __init__(self, stack: Stack, system: str, clock: Clock, key: bytes) -> None:
        self.stack, self.name, self.clock = stack, system, clock
        self.system = stack.systems[system]
        self.rate = RateLimit(self.system.connection.rate)
        self._key = key
        self._zone = self.system.time_zone or stack.organization.time_zone
        self._folders = drops.Drops(self.system, stack.folder)
        self._exports = Exports(stack, system, clock, key, self._folders)

    def preview(self, write: Write, held: Held | None = None) -> tuple[Preview, ...]:
        """The lines the write would be, masked; the file's name with its words still open. Raises WriteFault."""
        traces = self._traces(write.record)
        row = held.raw if held and isinstance(held.raw, ExportRow) else self._exports.blank(write)
        entry = self._entry(write, traces, row, "preview")
        lines_of(traces.layout, entry)
        sensitivity = max(
            (self.stack.attributes[change.attribute].sensitivity for change in write.changes),
            key=list(Sensitivity).index,
        )
        body = {name: mask(value, sensitivity) for name, value in entry.new.items()}
        bodies = [{name: value} for name, value in body.items()] if traces.layout.per_change else [body]
        condition = "none here: the vendor applies the file, and a later export shows what became of it"
        return tuple(Preview("DROP", traces.pattern, one, condition) for one in bodies)

    def read(self, write: Write) -> Held:
        """The record as the newest export has it: older than now, and untouched by what was only dropped. Raises WriteFault
        `not_done` where there is no whole export."""
        self.rate.wait()
        return self._exports.held(write)

    def send(self, write: Write, held: Held) -> Receipt:
        """A change file of one write. Raises WriteFault."""
        del held
        receipt = self.send_batch([write])[write.idempotency_key]
        if isinstance(receipt, WriteFault):
            raise receipt
        return receipt

    def send_batch(self, writes: Sequence[Write]) -> Mapping[str, Receipt | WriteFault]:
        """See `BatchTarget`. One file per record type; the same writes sent again make no second file."""
        outcomes: dict[str, Receipt | WriteFault] = {}
        for record in dict.fromkeys(write.record for write in writes):
            own = {write.idempotency_key: write for write in writes if write.record == record}
            traces = self._traces(record)
            standing = traces.sent_before(list(own))
            outcomes |= {key: Receipt(name, deferred=True) for key, name in standing.items()}
            left = {key: write for key, write in own.items() if key not in standing}
            outcomes |= self._drop(traces, left) if left else {}
        return outcomes

    def acknowledged(self, references: Mapping[str, str | None]) -> Mapping[str, Answer | WriteFault]:
        """See `BatchTarget`."""
        layouts = [self._traces(name) for name, one in self.system.records.items() if one.write is not None]
        lost = [key for key, name in references.items() if name is None]
        names = {key: name for traces in layouts for key, name in traces.sent_before(lost).items()}
        names |= {key: name for key, name in references.items() if name is not None}
        answers: dict[str, Answer | WriteFault] = {key: Answer("unseen") for key in lost if key not in names}
        for name in dict.fromkeys(names.values()):
            keys = [key for key, one in names.items() if one == name]
            owner = next((traces for traces in layouts if traces.owns(name)), None)
            answers |= owner.answers(name, keys) if owner else dict.fromkeys(keys, Answer("pending", reference=name))
        return answers

    def close(self) -> None:
        """Give the connections and the export's copy back."""
        self._folders.close()
        self._exports.close()

    def _drop(self, traces: Traces, writes: Mapping[str, Write]) -> dict[str, Receipt | WriteFault]:
        layout, outcomes = traces.layout, dict[str, Receipt | WriteFault]()
        moment = self.clock.now().astimezone(ZoneInfo(self._zone))
        path = drops.filled(traces.pattern, drops.batch_of(writes), moment)
        name = path.rpartition("/")[2]
        lines: list[str] = []
        taken: set[str] = set()
        for key, write in writes.items():
            try:
                entry = self._entry(write, traces, self._expected(write), name)
                if entry.reference in taken:
                    raise fault("same_reference", "another line of this file begins with the same key", "not_done")
                lines += lines_of(layout, entry)
                taken.add(entry.reference)
                outcomes[key] = Receipt(name, deferred=True)
            except WriteFault as wrong:
                outcomes[key] = wrong
        if lines:
            self.rate.wait()
            self._folders.put(path, "".join([header_of(layout), *lines]).encode(layout.encoding))
        return outcomes

    def _expected(self, write: Write) -> ExportRow:
        """The record of the newest export, still as the write expects it."""
        held = self._exports.held(write)
        if not isinstance(held.raw, ExportRow):
            raise fault("changed", f"{write.record}: the newest export does not hold the record", "changed")
        for change in write.changes:
            if change.attribute not in held.values:
                raise unwritable("unknown_value", f"{change.attribute}: what the record holds now cannot be told")
            if not same(self.stack, change.attribute, held.values[change.attribute], change.before):
                raise fault("changed", f"{change.attribute}: the newest export holds another value", "changed")
        return held.raw

    def _entry(self, write: Write, traces: Traces, row: ExportRow, name: str) -> Entry:
        record, layout = self.system.records[write.record], traces.layout
        after = {change.attribute: change.after for change in write.changes}
        values = source_values(
            self.stack,
            self.name,
            write.record,
            after,
            row.source,
            self.stack.folder,
            remap=self._exports.remap(write.record),
        )
        fields = {name: record.fields[name] for name in after}
        own = (record.parent_key or record.key).paths
        texts = self._exports.texts(
            write.record, row, [*values, *own, *(one.field for one in layout.layout if one.field)]
        )
        return Entry(
            key=((texts[own[0]] if len(own) == 1 else None) or "").strip() or write.source_id,
            reference=traces.reference(name, write.idempotency_key),
            today=local_date(self.clock.now(), self._zone),
            effective=write.effective_from,
            starts=row.effective_from,
            new={path: text_of(value) for path, value in values.items()},
            row=texts,
            by={path: name for name, one in fields.items() for path in (*one.paths, one.write_to) if path},
        )

    def _traces(self, record: str) -> Traces:
        layout = self.system.records[record].write
        if not isinstance(layout, FileWrite):
            raise unwritable("no_write", f"{record}: has no `write`")
        return Traces(layout, self._folders, self._key)
