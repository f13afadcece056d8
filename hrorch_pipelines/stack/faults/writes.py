"""What may be written into a system can be: it is mapped, its record type says how, and the value finds its way back."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.systems import Record, System
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.stack.writing import RestWrite, SqlWrite

_VERSIONS = ("body:", "header:")


def check_writes(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Attributes that could not be written, and ways of writing that contradict themselves."""
    for name, system in stack.systems.items():
        if system.writes is not None:
            for number, attribute in enumerate(system.writes.attributes):
                path: Path = ("systems", name, "writes", "attributes", number)
                yield from _attribute(path, stack, declared, name, attribute)
                if attribute in system.writes.attributes[:number]:
                    yield Finding(path, f"`{attribute}` is there already", "remove it here")
        for record, item in system.records.items():
            where: Path = ("systems", name, "records", record)
            yield from _way((*where, "write"), item, system)
            for attribute, field in item.fields.items():
                yield from _way_back((*where, "fields", attribute), field, _is_written(system, item, attribute))


def _attribute(path: Path, stack: Stack, declared: Declared, name: str, attribute: str) -> Iterator[Finding]:
    system = stack.systems[name]
    if attribute not in declared.attributes:
        known = sorted(declared.attributes)
        yield Finding(
            path, f"there is no attribute `{attribute}`", f"{did_you_mean(attribute, known)}declare it, or remove it"
        )
        return
    record = system.mapped().get(attribute)
    if record is None:
        if declared.records.get(name, frozenset()) <= set(system.records):
            known = sorted(system.mapped())
            yield Finding(
                path,
                f"`{name}` does not map `{attribute}`, so nobody could see whether it was written",
                f"{did_you_mean(attribute, known)}map it in one of its record types, or remove it here",
            )
        return
    write = system.records[record].write
    if write is None:
        yield Finding(
            path,
            f"`{attribute}` is held by `{record}`, and nothing says how a {record} is changed",
            f"add `write` to `systems.{name}.records.{record}`, or remove it here",
        )
    elif isinstance(write, RestWrite) and write.only and attribute not in write.only:
        yield Finding(
            path,
            f"`{attribute}` is read only: the `write` of `{record}` takes {listed(write.only)}",
            "remove it here, or add it to `only` if the system takes it",
        )
    declaration = stack.attributes.get(attribute)
    if declaration is not None and declaration.type is AttributeType.SECRET:
        yield Finding(path, f"of `{attribute}` only a keyed hash is known, which cannot be written", "remove it here")
    elif declaration is not None:
        rules = stack.authority.get(declaration.data_type, {})
        if rules and all(rule.system == name for rule in rules.values()):
            yield Finding(
                path,
                f"`{name}` itself decides `{attribute}` in every stage: only values that a person enters are written",
                note=True,
            )


def _is_written(system: System, record: Record, attribute: str) -> bool:
    return system.writes is not None and attribute in system.writes.attributes and record.write is not None


def _way(path: Path, item: Record, system: System) -> Iterator[Finding]:
    write = item.write
    if isinstance(write, RestWrite):
        if write.version is not None and not any(
            write.version.removeprefix(kind) not in ("", write.version) for kind in _VERSIONS
        ):
            yield Finding(
                (*path, "version"), "does not say where the version goes", "write `body:NAME` or `header:NAME`"
            )
        if write.add is not None and item.effective is None:
            yield Finding(
                (*path, "add"), "the rows have no first day, so none is ever added", "add `effective`, or remove it"
            )
        written = any(_is_written(system, item, attribute) for attribute in item.fields)
        if write.add is None and item.effective is not None and written:
            yield Finding(
                path, "has no `add`: what counts from a later day than the row in force cannot be written", note=True
            )
    if isinstance(write, SqlWrite) and write.key is None and len(item.key.paths) != 1:
        yield Finding(path, "nothing says which column is the key", "add `key`: the column that `key` is made of")


def _way_back(path: Path, field: FieldMap, written: bool) -> Iterator[Finding]:
    """`write_map` and `map` must agree: what is written is read back through `map`."""
    for canonical, source in field.write_map.items():
        back = field.map.get(source)
        if back is not None and back != canonical:
            yield Finding(
                (*path, "write_map", canonical),
                f"writes `{source}`, which `map` reads back as `{back}`",
                f"write a source value that `map` reads as `{canonical}`",
            )
        elif back is None and field.map and field.catalogue is None and field.sql is None and field.unmapped == "fail":
            yield Finding(
                (*path, "write_map", canonical),
                f"writes `{source}`, which `map` does not know: read back it would fail",
                f"add `{source}: {canonical}` to `map`",
            )
    meant: dict[str, list[str]] = {}
    for source, canonical in field.map.items():
        meant.setdefault(canonical, []).append(source)
    unclear = [
        canonical for canonical, sources in meant.items() if len(sources) > 1 and canonical not in field.write_map
    ]
    if written and unclear:
        yield Finding(
            path,
            f"several source values mean {listed(unclear, 3)}; writing it needs a `write_map` that says which",
            note=True,
        )
