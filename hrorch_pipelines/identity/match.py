"""One pass of matching: traits → separations → keys, strongest first → probabilities → persons → reviews."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import duckdb

from hrorch_pipelines.identity import (
    candidates,
    joining,
    keys,
    membership,
    persons,
    reviews,
    schema,
    scope,
    scoring,
    separation,
    traits,
)
from hrorch_pipelines.identity.counts import count, count_rows
from hrorch_pipelines.identity.errors import MatchingFailed
from hrorch_pipelines.identity.names import FOLD_MACRO
from hrorch_pipelines.identity.plan import Plan, plan
from hrorch_pipelines.identity.terms import Limits, MatchResult, Method
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import MatchKey
from hrorch_pipelines.storage.cycles import Cycle

T = TypeVar("T")


def match(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    cycle: Cycle,
    *,
    salt: str | None = None,
    limits: Limits | None = None,
) -> MatchResult:
    """Find out who is who; write schema `identity` and `cycles.touched_persons` (docs/tables.md), in one transaction.

    Looks at records touched in this cycle, and at all when `cycle.full` or when matching is declared differently than
    before. Existing links are never undone by somebody else's record. Running it twice in a cycle changes nothing.
    `salt` fixes the person ids of a new warehouse (tests, replays); by default it is random and kept in the warehouse.
    Raises MatchingFailed, with the engine's own message left out: it quotes values.
    """
    run = _Run(con, stack, plan(stack, limits), cycle, salt)
    con.begin()
    try:
        result = run.go()
    except duckdb.Error as error:
        con.rollback()
        raise MatchingFailed(run.step, type(error).__name__) from None
    except BaseException:
        con.rollback()
        raise
    con.commit()
    return result


@dataclass
class _Run:
    con: duckdb.DuckDBPyConnection
    stack: Stack
    plan: Plan
    cycle: Cycle
    salt: str | None
    step: str = "prepare"
    everybody: bool = False
    keys_skipped: int = 0
    blocks_skipped: int = 0
    scored: int = 0
    apart: int = 0

    def go(self) -> MatchResult:
        con, cycle = self.con, self.cycle
        con.execute(FOLD_MACRO)
        self.everybody = schema.prepare(con, self.plan, self.salt) or cycle.full
        membership.load_nicknames(con, self.plan)
        without_id = self._do(
            "read traits", lambda: traits.refresh(con, self.stack, self.plan, cycle, everybody=self.everybody)
        )
        self._do("choose records", self._choose)
        if not count(con, "SELECT 1 FROM w_active LIMIT 1"):
            membership.clear(con)
            return MatchResult(records_without_id=without_id)
        self._do("find reused ids", lambda: separation.find_reused_ids(con, self.plan))
        removed = self._do("retire records", lambda: separation.retire(con, cycle))
        split = self._do("split persons", lambda: separation.return_and_split(con, cycle))
        moved = removed + split + count_rows(con, "w_returned")
        if moved:
            scope.stand(con, cycle, everybody=self.everybody)
        self._do("place records", lambda: membership.begin(con, self.plan))
        self._decisions()
        for tier, key in enumerate(self.plan.keys, start=1):
            self._do(f"key {keys.key_name(key)}", partial(self._key, key, tier))
        if self.plan.compared:
            self._do("probabilities", self._probabilities)
        reviews.want_record_reviews(con)
        written = self._do("write persons", lambda: persons.write(con, self.plan, cycle))
        self._do("refresh picture", lambda: membership.settled(con))
        opened, closed = self._do("settle reviews", lambda: reviews.settle(con, self.plan, cycle))
        if moved + written["new_persons"] + written["linked"] + written["merged"]:
            scope.remember_persons(con, cycle, stood=False)
        self._do("add up", lambda: persons.add_up(con))
        con.execute("DELETE FROM identity.pending")
        membership.clear(con)
        return MatchResult(
            **written,
            split=split,
            removed=removed,
            reviews_opened=opened,
            reviews_closed=closed,
            left_apart=self.apart,
            pairs_scored=self.scored,
            blocks_skipped=self.blocks_skipped,
            keys_skipped=self.keys_skipped,
            records_without_id=without_id,
        )

    def _do(self, step: str, work: Callable[[], T]) -> T:
        self.step = step
        return work()

    def _choose(self) -> None:
        scope.stand(self.con, self.cycle, everybody=self.everybody)
        scope.choose(self.con, self.plan, everybody=self.everybody)
        scope.remember_persons(self.con, self.cycle, stood=not self.everybody)

    def _decisions(self) -> None:
        self.step = "apply decisions"
        joining.pairs_from_verdicts(self.con)
        joining.join(self.con, self.plan, 0, Method.DECISION)

    def _key(self, key: MatchKey, tier: int) -> None:
        keys.gather(self.con, self.plan, key, everybody=self.everybody)
        keys.take_plain_groups(self.con, self.plan, key, tier)
        membership.merge(self.con, "w_plain")
        if count_rows(self.con, "w_group"):
            self.keys_skipped += keys.weigh_pairs(self.con, self.plan, key, tier)
            joining.join(self.con, self.plan, tier, Method.KEY)

    def _probabilities(self) -> None:
        tier = len(self.plan.keys) + 1
        self.blocks_skipped += candidates.find(self.con, self.plan, everybody=self.everybody)
        self.scored = scoring.score(self.con, self.plan, self.cycle, tier)
        self.apart = count(self.con, "SELECT count(*) FROM w_pair WHERE zone = 'apart'")
        joining.join(self.con, self.plan, tier, Method.PROBABILISTIC)
