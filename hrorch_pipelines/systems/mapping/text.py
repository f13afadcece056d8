"""Texts: finding, joining, trimming, splitting, letter case; and the canonical form of everything that stays a text."""

from __future__ import annotations

from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.sql import literal
from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.statement import Statement

SPACES = "\t\n\v\f\r \x85\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""White space of any kind, as Unicode's White_Space property lists it."""

TRIMMED = SPACES + "\u200b\u200c\u200d\u2060\ufeff"
"""What `trim` removes at both ends: white space and what has no width."""

_SPACE_RUN = r"[\s\x{0b}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"


_PLAIN = "[!-~]+(?: [!-~]+)*"
"""ASCII words with single spaces between: nothing to trim, compose or fold. Most texts are, and one look tells."""


def read_text(statement: Statement, cell: Cell, sources: list[str], withheld: str | None) -> None:
    """Steps `from`, `join`, `trim`, `null_values`, `hidden_values`; `withheld` is SQL: the system kept a source back.

    `hidden_values` win over `null_values`: Gusto's `ssn: ""` is withheld, not empty. Of several sources those with
    nothing in them are left out of the join.
    """
    declared = cell.field
    plain = [_plain(statement, source) for source in sources]
    trimmed = [
        _unless(known, source, _trim(statement, cell, source)) for known, source in zip(plain, sources, strict=True)
    ]
    if withheld:
        cell.hidden.append(statement.add("texts", cell.column("withheld"), f"coalesce({withheld}, false)"))
    if declared.hidden_values and trimmed:
        words = _any_of(statement, declared.hidden_values)
        conditions = " OR ".join(f"coalesce({text} IN {words}, false)" for text in trimmed)
        cell.hidden.append(statement.add("texts", cell.column("masked"), conditions))
    parts = [_not_null_word(statement, cell, text) for text in trimmed]
    mark = statement.bind(declared.join)
    if declared.const is not None:
        found = f"{statement.bind(declared.const.strip(TRIMMED) if declared.trim else declared.const)}::VARCHAR"
        expression = _not_null_word(statement, cell, found)
    elif len(parts) == 1:
        expression, found = parts[0], sources[0]
        cell.plain = plain[0]
    elif parts:
        some = f"coalesce({', '.join(parts)}) IS NOT NULL"
        expression = f"CASE WHEN {some} THEN concat_ws({mark}, {', '.join(parts)}) END"
        found = f"concat_ws({mark}, {', '.join(sources)})"
    else:
        expression = found = "NULL::VARCHAR"
    cell.found = found
    cell.text = statement.add("texts", cell.column("text"), expression)


def split(statement: Statement, cell: Cell) -> None:
    """Step `split`. A piece that is not there is a fault: half a name is not an empty one."""
    wanted = cell.field.split
    if wanted is None:
        return
    cell.plain = None
    take = wanted.take if wanted.take < 0 else wanted.take + 1
    piece = f"string_split({cell.text}, {statement.bind(wanted.by)})[{take}]"
    missing = statement.add("pieces", cell.column("missing"), f"{cell.has_text()} AND {piece} IS NULL")
    cell.text = statement.add("pieces", cell.column("piece"), tidy(statement, cell, piece))
    cell.fail(missing, FaultCode.MISSING_PIECE)


def look_up(statement: Statement, cell: Cell, entries: dict[str, str]) -> None:
    """Steps `map` and `catalogue`, merged into `entries`."""
    if not entries:
        return
    cell.plain = None
    entries = {source: canonical.strip(TRIMMED) for source, canonical in entries.items()}
    canonical, known = statement.lookup("known", cell.column("map"), entries, cell.text)
    if cell.field.unmapped == "keep":
        canonical = f"CASE WHEN {known} THEN {canonical} ELSE {cell.text} END"
    else:
        unknown = f"{cell.has_text()} AND NOT ({known})"
        cell.fail(statement.add("known", cell.column("unknown"), unknown), FaultCode.UNKNOWN_VALUE)
    cell.text = statement.add("known", cell.column("canonical"), _not_null_word(statement, cell, canonical))


def tidy(statement: Statement, cell: Cell, text: str) -> str:
    """`trim` and `null_values` once more, for a text that a later step made."""
    return _not_null_word(statement, cell, _trim(statement, cell, text))


def letter_case(statement: Statement, cell: Cell) -> None:
    """Step `case`."""
    if cell.field.case:
        cell.text = statement.add("cased", cell.column("case"), f"{cell.field.case}({cell.text})")


def convert_text(statement: Statement, cell: Cell) -> None:
    """Canonical texts: Unicode NFC, inner white space folded to one space; e-mail, phone and code more than that."""
    composed = statement.add("shapes", cell.column("nfc"), _unless(cell.plain, cell.text, nfc(cell.text)))
    spaced = f"regexp_replace({composed}, {literal(_SPACE_RUN)}, ' ', 'g')"  # slow, hence only where it may matter
    folded = (
        _unless(
            cell.plain, composed, f"CASE WHEN regexp_matches({composed}, '[^ -~]|  ') THEN {spaced} ELSE {composed} END"
        )
        if cell.field.trim
        else composed
    )
    match cell.type:
        case AttributeType.EMAIL:
            cell.value = f"lower({folded})"
        case AttributeType.CODE:
            cell.value = f"translate(lower({folded}), ' -', '__')"
        case AttributeType.PHONE:
            _convert_phone(statement, cell, composed)
        case _:
            cell.value = folded


def convert_boolean(statement: Statement, cell: Cell) -> None:
    """`true_values` and `false_values`, in any letter case."""
    yes = statement.bind([word.lower() for word in cell.field.true_values])
    no = statement.bind([word.lower() for word in cell.field.false_values])
    lowered = statement.add("shapes", cell.column("word"), f"lower({cell.text})")
    cell.value = (
        f"CASE WHEN list_contains({yes}, {lowered}) THEN true WHEN list_contains({no}, {lowered}) THEN false END"
    )
    cell.fail(f"{cell.has_text()} AND {cell.column_value()} IS NULL", FaultCode.NOT_A_BOOLEAN)


def trimmed(statement: Statement, text: str) -> str:
    """SQL for a text without TRIMMED at its ends. Trimming a set of characters is slow, so only odd ends go through it."""
    return f"CASE WHEN regexp_matches({text}, '^[^!-~]|[^!-~]$') THEN trim({text}, {statement.bind(TRIMMED)}) ELSE {text} END"


def nfc(text: str) -> str:
    """SQL for Unicode NFC. DuckDB's own function ends at a NUL, so texts with one are composed piece by piece."""
    pieces = f"list_transform(string_split({text}, chr(0)), lambda piece: nfc_normalize(piece))"
    return f"CASE WHEN contains({text}, chr(0)) THEN array_to_string({pieces}, chr(0)) ELSE nfc_normalize({text}) END"


def _convert_phone(statement: Statement, cell: Cell, composed: str) -> None:
    """Digits with a leading `+`; `tel:` (RFC 3966) and the national `(0)` after a country code go. Letters are a fault."""
    bare = statement.add(
        "amounts",
        cell.column("bare"),
        rf"regexp_replace(regexp_replace({composed}, '^(?i:tel:)\s*', ''), '^(\+|00)([^(]*)\(0\)', '\1\2')",
    )
    number = rf"regexp_replace(regexp_replace({bare}, '[^0-9+]+', '', 'g'), '^00', '+')"
    cell.value = rf"CASE WHEN regexp_full_match({bare}, '[ (]*[+]?[^\pL+;#,*]*[0-9][^\pL+;#,*]*') THEN {number} END"
    cell.fail(f"{cell.has_text()} AND {cell.column_value()} IS NULL", FaultCode.NOT_A_PHONE)


def _plain(statement: Statement, source: str) -> str:
    """A column that tells where the source's text is plain; made once, however many cells read that text."""
    return statement.add("seen", f"{source.strip(chr(34))}~plain", f"regexp_full_match({source}, {literal(_PLAIN)})")


def _unless(plain: str | None, text: str, otherwise: str) -> str:
    """SQL: the text itself where it is plain, else what a step makes of it."""
    return f"CASE WHEN {plain} THEN {text} ELSE {otherwise} END" if plain and text != otherwise else otherwise


def _trim(statement: Statement, cell: Cell, text: str) -> str:
    return trimmed(statement, text) if cell.field.trim else text


def _not_null_word(statement: Statement, cell: Cell, text: str) -> str:
    words = cell.field.null_values
    if words == [""]:
        return f"nullif({text}, '')"
    return f"CASE WHEN {text} NOT IN {_any_of(statement, words)} THEN {text} END" if words else text


def _any_of(statement: Statement, words: list[str]) -> str:
    return "(" + ", ".join(statement.bind(word) for word in words) + ")"
