"""A person's working life, past and future, as dated facts: applications, spells, moves, raises, leaves, partings.

Everything follows from the person and the world; nothing looks at a system or at the clock.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from hrorch_pipelines.sandbox.company import SITES, TITLES, last_names, manager_of
from hrorch_pipelines.sandbox.hiring import hiring_of, workday
from hrorch_pipelines.sandbox.life import Job, Life, Pay, Person, Role, Spell, Status
from hrorch_pipelines.sandbox.people import World, person, quiet

_UNITS: Final = ("Year", "Year", "Month", "Week", "Paycheck", "Year")
_GRAIN: Final = 6_240  # cents per year that divide into 2080 hours, 52 weeks, 26 fortnights and 12 months, to the cent
_RESTRICTABLE: Final = ("birthDate", "homeEmail", "mobilePhone", "zipcode")
ARRIVALS: Final = 0.135
"""Share of the company's head count that is hired in a year; ours, not an industry figure."""


def life(world: World, n: int) -> Life:
    """The whole life of person `n`, to some six years after the epoch."""
    who = person(world, n)
    if who.role is Role.CANDIDATE:
        return Life(who, hiring=hiring_of(world, who, *_place(who), _first_cents(who), start=None))
    start = _start(world, who)
    spells = _spells(world, who, start)
    last = spells[-1]
    hiring = None
    if who.role in {Role.RECENT, Role.PREHIRE, Role.TWIN, Role.STARTED_LATELY}:
        hiring = hiring_of(world, who, *_place(who), last.pays[0].cents, start=last.start, kind=last.kind)
    steady = who.role in {Role.STEADY, Role.LEADER}
    return Life(
        who,
        spells=spells,
        hiring=hiring,
        married=_married(world, who, start) if steady and who.draws[0] < 0.05 else None,
        payroll_lag=4 if who.role is Role.STARTED_LATELY else 0,
        copies_lag=1 if who.role is Role.CHANGED_TODAY else 0,
        restricted=(_RESTRICTABLE[int(who.draws[2] * 4)],) if steady and who.draws[1] < 0.04 else (),
    )


def _start(world: World, who: Person) -> date:
    """The first day of the first spell."""
    draw, epoch = who.draws[3], world.epoch
    if who.number > world.people:
        arrived = (who.number - world.people) * 365 / ARRIVALS / (world.people + 4)
        return workday(epoch + timedelta(days=65 + int(arrived)))
    match who.role:
        case Role.PREHIRE:
            return workday(epoch + timedelta(days=4 + int(draw * 28)))
        case Role.STARTED_LATELY:
            return epoch - timedelta(days=2)
        case Role.RECENT | Role.TWIN:
            return quiet(world, workday(epoch - timedelta(days=6 + int(draw * 530))))
        case Role.CONVERTED | Role.CONTRACTOR:
            return workday(epoch - timedelta(days=420 + int(draw * 120)))
        case Role.LEADER:
            return workday(epoch - timedelta(days=2_600 + int(draw * 3_000)))
        case _:
            return workday(epoch - timedelta(days=780 + int(draw * 3_600)))


def _spells(world: World, who: Person, start: date) -> tuple[Spell, ...]:
    """One spell, or two for those who came back or changed sides."""
    epoch, draw = world.epoch, who.draws[4]
    match who.role:
        case Role.CONVERTED:
            turn = quiet(world, workday(epoch - timedelta(days=60 + int(draw * 240))))
            first = _spell(world, who, start, 0, "Contractor", turn - timedelta(days=1))
            return first, _spell(world, who, turn, 1, "Full-Time", None)
        case Role.REHIRED | Role.REHIRED_NEW_ID:
            left = epoch - timedelta(days=250 + int(draw * 250))
            back = workday(left + timedelta(days=70 + int(draw * 100)))
            first = _spell(world, who, start, 0, "Full-Time", left)
            return first, _spell(world, who, back, int(who.role is Role.REHIRED_NEW_ID), "Full-Time", None)
        case Role.CONTRACTOR:
            return (_spell(world, who, start, 0, "Contractor", None),)
        case Role.STEADY | Role.RECENT:
            kind = "Part-Time" if who.draws[5] < 0.12 else "Full-Time"
            return (_spell(world, who, start, 0, kind, _end(world, who, start)),)
        case _:
            return (_spell(world, who, start, 0, "Full-Time", None),)


def _end(world: World, who: Person, start: date) -> date | None:
    """The last working day, for those who leave: never within the first 200 days."""
    if who.draws[6] >= (0.30 if who.role is Role.STEADY else 0.12):
        return None
    earliest = max(start + timedelta(days=200), world.epoch - timedelta(days=500))
    return quiet(world, workday(earliest + timedelta(days=int(who.draws[7] * 1_500))))


def _spell(world: World, who: Person, start: date, record: int, kind: str, end: date | None) -> Spell:
    entered = quiet(world, start - timedelta(days=21))
    jobs = _jobs(world, who, entered, start, end)
    hourly = kind == "Contractor" or _first_cents(who) < 6_000_000
    fte = ("0.50", "0.60", "0.75", "0.80")[int(who.draws[8] * 4)] if kind == "Part-Time" else "1.00"
    return Spell(
        record=record,
        kind=kind,
        fte=fte,
        unit="Hour" if hourly and kind != "Part-Time" else _UNITS[int(who.draws[9] * 6)],
        entered=entered,
        start=start,
        end=end,
        end_entered=quiet(world, end - timedelta(days=14)) if end else None,
        jobs=jobs,
        pays=_pays(world, who, entered, start, end, float(fte)),
        statuses=_statuses(world, who, entered, start, kind, end),
    )


def _place(who: Person) -> tuple[str, str, str]:
    """Department, location and title at hire."""
    department = list(TITLES)[int(who.draws[10] * len(TITLES))]
    title = TITLES[department][int(who.draws[11] * len(TITLES[department]))][0]
    return department, who.city, title


def _first_cents(who: Person) -> int:
    """Pay per year at hire, full time, within the title's band."""
    department, _, title = _place(who)
    low, high = next((low, high) for name, low, high in TITLES[department] if name == title)
    return round((low + (high - low) * who.draws[12]) * 100_000 / _GRAIN) * _GRAIN


def _jobs(world: World, who: Person, entered: date, start: date, end: date | None) -> tuple[Job, ...]:
    department, location, title = _place(who)
    manager = manager_of(world.people, who.number, int(who.draws[13] * 1_000_000))
    rows = [Job(entered, entered, department, location, title, manager)]
    if who.role is Role.CHANGED_TODAY:
        titles = [name for name, _, _ in TITLES[department] if name != title]
        rows.append(Job(world.epoch, world.epoch, department, location, titles[0], manager))
    elif who.draws[0] > 0.55 and who.role is not Role.STARTED_LATELY:
        on = quiet(world, workday(start + timedelta(days=210 + int(who.draws[0] * 9_973) % 1_400)))
        if end is None or on < end:
            rows.append(_move(world, who, on, department, location, title, manager))
    return tuple(rows)


def _move(world: World, who: Person, on: date, department: str, location: str, title: str, manager: int | None) -> Job:
    """A promotion, a transfer, or a change of site, entered some days ahead."""
    entered, pick = quiet(world, on - timedelta(days=12)), int(who.draws[1] * 3)
    if pick == 0:
        titles = [name for name, _, _ in TITLES[department] if name != title]
        return Job(on, entered, department, location, titles[int(who.draws[2] * len(titles))], manager)
    if pick == 1:
        others = [name for name in TITLES if name != department]
        department = others[int(who.draws[2] * len(others))]
        return Job(on, entered, department, location, TITLES[department][0][0], manager)
    others = [site[0] for site in SITES if site[0] != location]
    return Job(on, entered, department, others[int(who.draws[2] * len(others))], title, manager)


def _pays(world: World, who: Person, entered: date, start: date, end: date | None, fte: float) -> tuple[Pay, ...]:
    """Pay at hire and a raise a year on a day of the person's own; rows older than three years are archived."""
    grain = _GRAIN * 20  # × 0.05 steps of FTE stays on the grain
    cents = round(_first_cents(who) * fte / grain) * grain if fte < 1 else _first_cents(who)
    rows = [Pay(entered, entered, cents, "Hire")]
    day = int(who.draws[8] * 364)
    for year in range(max(start.year, world.epoch.year - 3), world.epoch.year + 7):
        on = quiet(world, date(year, 1, 1) + timedelta(days=day))
        if on < start + timedelta(days=210) or (end and on >= end) or who.role is Role.CONTRACTOR:
            continue
        step = grain if fte < 1 else _GRAIN
        cents = round(cents * (1.02 + 0.03 * ((year * 7 + who.number) % 10) / 10) / step) * step
        rows.append(Pay(on, quiet(world, on - timedelta(days=30)), cents, "Merit"))
    return tuple(rows)


def _statuses(world: World, who: Person, entered: date, start: date, kind: str, end: date | None) -> tuple[Status, ...]:
    rows = [Status(entered, entered, "Pre-Hire"), Status(start, entered, kind)]
    if who.role is Role.STEADY and 0.30 < who.draws[6] < 0.36 and end is None:
        away = quiet(world, world.epoch - timedelta(days=70 - int(who.draws[7] * 140)))
        back = quiet(world, away + timedelta(days=60))
        rows += [
            Status(away, quiet(world, away - timedelta(days=10)), "Leave of Absence"),
            Status(back, quiet(world, back - timedelta(days=3)), kind),
        ]
    if end:
        rows.append(Status(end + timedelta(days=1), quiet(world, end - timedelta(days=14)), "Terminated"))
    return tuple(rows)


def _married(world: World, who: Person, start: date) -> tuple[date, str]:
    """A new family name, more than 400 days after the start (the hiring systems have forgotten by then)."""
    on = quiet(
        world,
        max(start + timedelta(days=400), world.epoch - timedelta(days=380)) + timedelta(days=int(who.draws[1] * 700)),
    )
    names = [name for name in last_names() if name != who.last]
    return on, names[int(who.draws[2] * len(names))]
