"""Who decides what: each data type has one authority in each stage, and that authority knows the values."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed


def check_stages(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Stages and presence name systems that exist; every system's people get some stage."""
    for name, stage in stack.stages.items():
        for number, system in enumerate(stage.present_in):
            if system not in declared.systems:
                yield _no_system(("stages", name, "present_in", number), system, declared)
    for name, presence in stack.presence.items():
        if name not in declared.systems:
            yield _no_system(("presence", name), name, declared)
        elif presence.must is None and presence.must_not is None:
            yield Finding(
                ("presence", name),
                "says neither `must` nor `must_not`: nobody is missed and nobody is a ghost",
                note=True,
            )
    if declared.whole("systems", "stages"):
        staged = {system for stage in stack.stages.values() for system in stage.present_in}
        for name in stack.systems:
            if name not in staged:
                yield Finding(
                    ("systems", name),
                    "is in no stage's `present_in`: whoever is only there has no stage, and nothing about them is compared",
                    note=True,
                )


def check_authority(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Rules that name what does not exist, gaps, and authorities that do not know what they decide."""
    types = {attribute.data_type for attribute in stack.attributes.values()}
    for data_type, rules in stack.authority.items():
        path: Path = ("authority", data_type)
        if data_type not in types and declared.whole("attributes"):
            yield Finding(
                path,
                f"no attribute is of the data type `{data_type}`",
                f"{did_you_mean(data_type, types)}remove the rule, or give it attributes",
            )
        for stage, rule in rules.items():
            if stage not in declared.stages:
                known = sorted(declared.stages)
                yield Finding(
                    (*path, stage),
                    f"there is no stage `{stage}`",
                    f"{did_you_mean(stage, known)}the stages are {listed(known)}",
                )
            if rule.system not in declared.systems:
                yield _no_system((*path, stage), rule.system, declared)
    if declared.whole("systems", "attributes", "stages", "authority"):
        yield from _gaps(stack)
        yield from _knowing(stack)


def _gaps(stack: Stack) -> Iterator[Finding]:
    """A data type that systems map and nobody decides, at all or in one stage."""
    for data_type, attributes in _mapped(stack).items():
        rules = stack.authority.get(data_type, {})
        if not rules:
            also = f" (also {listed(attributes[1:], 5)})" if attributes[1:] else ""
            line = f"{data_type}: {{{', '.join(f'{stage}: SYSTEM' for stage in stack.stages)}}}"
            yield Finding(
                ("attributes", attributes[0], "data_type"),
                f"a gap in authority: nobody decides `{data_type}`{also}",
                f"{did_you_mean(data_type, stack.authority)}add `{line}` to `authority`",
            )
            continue
        for stage in stack.stages:
            if stage not in rules:
                yield Finding(
                    ("authority", data_type),
                    f"a gap in authority: nobody decides `{data_type}` in the stage `{stage}`",
                    f"add `{stage}: SYSTEM`, the system that decides {listed(attributes, 3)} there",
                )


def _knowing(stack: Stack) -> Iterator[Finding]:
    """An authority that maps nothing of what it decides; attributes it does not map."""
    for data_type, attributes in _mapped(stack).items():
        for stage, rule in stack.authority.get(data_type, {}).items():
            if rule.system not in stack.systems or stage not in stack.stages:
                continue
            unknown = [name for name in attributes if name not in stack.systems[rule.system].mapped()]
            path: Path = ("authority", data_type, stage)
            if unknown == attributes:
                others = sorted({system for name in attributes for system in stack.systems_with(name)})
                yield Finding(
                    path,
                    f"`{rule.system}` decides `{data_type}` and maps no attribute of it",
                    f"map {listed(attributes, 3)} in `{rule.system}`, or let {listed(others)} decide",
                )
            elif unknown:
                yield Finding(
                    path,
                    f"`{rule.system}` does not map {listed(unknown)}: in the stage `{stage}` nobody decides them",
                    note=True,
                )


def _mapped(stack: Stack) -> dict[str, list[str]]:
    """Data type → its attributes that some system maps, in the order declared."""
    found: dict[str, list[str]] = {}
    for name, attribute in stack.attributes.items():
        if stack.systems_with(name):
            found.setdefault(attribute.data_type, []).append(name)
    return found


def _no_system(path: Path, system: str, declared: Declared) -> Finding:
    known = sorted(declared.systems)
    return Finding(
        path,
        f"there is no system `{system}`",
        f"{did_you_mean(system, known)}declare it under `systems`, or name one of {listed(known)}",
    )
