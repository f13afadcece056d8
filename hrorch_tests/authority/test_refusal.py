"""Records that were never through a gate are not taken for an empty system."""

from __future__ import annotations

import pytest

from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.errors import RecordsNotAccepted
from hrorch_tests.authority.house import House


def test_a_record_type_without_accepted_table_stops_the_stage(house: House) -> None:
    house.con.execute('DROP TABLE accepted."hris.job"')
    with pytest.raises(RecordsNotAccepted) as refused:
        assemble(house.con, house.stack, house.open())
    assert (refused.value.system, refused.value.record) == ("hris", "job")
