"""The one name a tenant has inside PostgreSQL, and the names it may not have."""

from typing import Annotated, Final

from tenant_manager.api.base import text

LONGEST_IDENTIFIER: Final = 50  # bytes; PostgreSQL cuts names at 63, and `<identifier>__<suffix>` is ours
IDENTIFIER_PATTERN: Final = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"

RESERVED_PREFIXES: Final = ("pg_", "tenancy")
RESERVED_NAMES: Final = (
    "all",
    "extensions",
    "information_schema",
    "none",
    "postgres",
    "public",
    "replication",
)

RESERVED_WORDS: Final = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905 -- a list literal would be 101 lines
)
"""Words that SQL would have to quote: catcode R or T of `pg_get_keywords()` on PostgreSQL 16, 17 or 18."""


def _one_of(words: frozenset[str] | tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in sorted(words)) + "]"


Identifier = Annotated[
    str,
    text(
        IDENTIFIER_PATTERN,
        "`identifier` must consist of lower-case letters and digits in parts joined by single underscores, "
        "and begin with a letter, for example 'tenant_acme'",
        (
            "!self.startsWith('pg_') && !self.startsWith('tenancy')",
            "`identifier` must not begin with 'pg_' or 'tenancy': these belong to PostgreSQL and to the operator",
        ),
        (
            f"!(self in {_one_of(RESERVED_NAMES)})",
            "`identifier` must not be a name that PostgreSQL or the operator keeps for itself: "
            + ", ".join(RESERVED_NAMES),
        ),
        (
            f"!(self in {_one_of(RESERVED_WORDS - set(RESERVED_NAMES))})",
            "`identifier` must not be a reserved word of SQL, which every query would have to quote",
        ),
        longest=LONGEST_IDENTIFIER,
    ),
]
