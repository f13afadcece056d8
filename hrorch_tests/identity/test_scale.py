"""More records than one row group holds, in one transaction: nobody is lost, now or in the next pass."""

from __future__ import annotations

from hrorch_tests.identity.world import World, make_stack

PERSONS = 70_000


def test_more_than_a_row_group_of_records_keeps_every_link() -> None:
    world = World(make_stack(["hris", "payroll", "directory"], probabilistic=None))
    world.con.execute("SET threads = 2")
    for system in world.stack.systems:
        world.con.execute(
            f"""
            INSERT INTO {world.table(system)} BY NAME
            SELECT '{system[0]}' || i AS source_id, source_id AS record_key, 1 AS occurrence, FALSE AS deleted, [] AS hidden,
                   [] AS faults, hash(i)::VARCHAR AS record_hash, 'n' || i AS employee_number, 'name' || (i % 997) AS legal_last_name
            FROM range({PERSONS}) t(i)"""
        )
    result = world.run()
    assert (result.new_persons, result.linked) == (PERSONS, 2 * PERSONS)
    world.all_linked_once()
    spread = world.con.execute(
        "SELECT n, count(*) FROM (SELECT count(*) AS n FROM identity.links GROUP BY person_id) GROUP BY n"
    ).fetchall()
    assert spread == [(3, PERSONS)]
    methods = world.con.execute("SELECT method, count(*) FROM identity.links GROUP BY method ORDER BY ALL").fetchall()
    assert methods == [
        ("key", 2 * PERSONS),
        ("new", PERSONS),
    ]
    world.con.execute(f"UPDATE {world.table('hris')} SET legal_last_name = 'Changed' WHERE source_id = 'h7'")
    world.touch("hris", "h7")
    again = world.run()
    assert (again.new_persons, again.linked, again.reviews_opened) == (0, 0, 0)
    world.all_linked_once()
