"""What the programs here share: seconds and processor seconds of named steps, peak memory, and how busy the machine was."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

GIB = 2**30


@dataclass
class Timed:
    """One step: wall seconds, and processor seconds of this process (all threads) and of its ended children."""

    name: str
    wall: float = 0.0
    cpu: float = 0.0


@dataclass
class Timings:
    """Steps in the order they were first seen; a step seen again adds up."""

    steps: dict[str, Timed] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block under a name."""
        wall, cpu = time.perf_counter(), cpu_seconds()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - wall, cpu_seconds() - cpu)

    def add(self, name: str, wall: float, cpu: float) -> None:
        """Add seconds measured elsewhere."""
        timed = self.steps.setdefault(name, Timed(name))
        timed.wall += wall
        timed.cpu += cpu

    @property
    def wall(self) -> float:
        return sum(step.wall for step in self.steps.values())

    @property
    def cpu(self) -> float:
        return sum(step.cpu for step in self.steps.values())

    def of_cycle(self) -> Timed:
        """Everything but extraction, and but starting and importing, which cost the same whatever changed."""
        steps = [step for name, step in self.steps.items() if not name.startswith(("observe", "start", "import"))]
        return Timed("cycle", sum(step.wall for step in steps), sum(step.cpu for step in steps))

    def show(self, title: str) -> None:
        """Print a table: seconds, share of the whole, processor seconds."""
        print(f"\n{title:<44}{'wall s':>9}{'share':>8}{'cpu s':>9}")
        for step in self.steps.values():
            print(f"  {step.name:<42}{step.wall:>9.2f}{step.wall / self.wall:>8.1%}{step.cpu:>9.2f}")
        print(f"  {'together':<42}{self.wall:>9.2f}{1:>8.0%}{self.cpu:>9.2f}", flush=True)


def cpu_seconds() -> float:
    """Processor seconds used so far by this process and by children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_gib() -> float:
    """The most memory this process ever held (children not counted: they tell their own)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def machine() -> str:
    """Cores and load, so that figures taken on a busy machine are not mistaken for those of an idle one."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{len(os.sched_getaffinity(0))} cores, load average {load}"
