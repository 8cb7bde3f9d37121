"""Artists and titles as they are compared: one spelling for a name, and one key for all versions of a song."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from .titles import folded

__all__ = ["artist_keys", "artist_parts", "artist_readings", "guests", "same_artists", "title_keys"]

LETTERS = (
    *(("ø", "o"), ("æ", "ae"), ("œ", "oe"), ("ł", "l"), ("đ", "d"), ("ð", "d"), ("þ", "th"), ("\u0131", "i")),
    *(("ħ", "h"), ("ŧ", "t"), ("ŋ", "n"), ("\u2019", "'"), ("\u2018", "'"), ("\u0060", "'")),
)
"""Letters that carry no accent for a decomposition to part, and quotes, as they are written on a plain keyboard."""

SIGNS = ((r"(\w)!(\w)", r"\1i\2"), (r"\$+(\w)", r"s\1"), (r"(\w)\$", r"\1s"), (r"(s)\$", r"\1s"))
"""``P!nk``, ``$ign``, ``Ke$ha``, ``Bada$$``."""

DASHES = "[\u2010-\u2015\u2212\uff0d]"
GUEST = r"(?:feat|ft|featuring)\b\.?"
WITH = r"(?:with|w/)"
ONESELF = r"(?:me|you|us|him|her|them|my|your|or|out)\b"
"""``Stay (With Me)`` names no guest."""

TAG = (
    r"(?:official|music|lyrics?|video|audio|clip|videoclip|hd|hq|uhd|4k|1080p|720p|visuali[sz]er|performance"
    r"|explicit|clean|mono|stereo|single|album|original|radio|full|extended|main|digital|digitally|standard|studio"
    r"|version|edit|edition|mix|cut|deluxe|bonus|track|soundtrack|anniversary|lp|ep|cd|re-?master(?:s|ed|ing)?)"
)
YEAR = r"(?:(?:19|20)\d\d|\d+(?:st|nd|rd|th))"
BETWEEN = r"[\s/,.:;&+|-]*"
LIVE = (
    r"(?:[^()\[\]]*\s)?live(?:\s*[/,-].*|\s+(?:at|from|in|on|version|sessions?|recording|acoustic|performance|take"
    r"|edit|mix|video|\d).*?)?"
)
CLAUSE = (
    rf"(?:{GUEST}\s.*?|prod\b\.?\s.*?|.*?\bre-?master(?:s|ed|ing)?\b.*?|{LIVE}"
    rf"|(?:{YEAR}{BETWEEN})*{TAG}\b{BETWEEN}(?:(?:{TAG}|{YEAR})\b{BETWEEN})*)"
)
"""Words in brackets or behind a dash that do not make another song."""

INSIDE = CLAUSE.replace(".*", r"[^()\[\]]*")
TAILS = (
    rf"\s*[(\[]\s*{INSIDE}\s*(?:[)\]]|$)",
    rf"\s+[-|]\s+{CLAUSE}\s*$",
    rf"\s+[-|]\s+{CLAUSE}\s*$",
    rf"(.)\s{GUEST}\s.*$",
    rf"(.)\s+official\s(?:{TAG}\b\s*)+$",
    r"(.)\s+(?:\d{4}\s+)?(?:digital(?:ly)?\s+)?re-?master(?:ed)?(?:\s+\d{4})?$",
    r"(.)\s+radio edit$",
)
MAY_HAVE_TAIL = r"[(\[|]|\s-\s|\s(?:feat|ft|featuring|official|re-?master|digital|radio|\d{4}\s)"
"""A quick test, since few titles of a catalogue have a tail."""

WITH_GUEST = re.compile(rf"(?:[(\[]\s*|\s-\s+){WITH}\s+(?!{ONESELF})([^)\]]*?)\s*(?:[)\]]|$|(?=\s-\s))", re.IGNORECASE)
NAMED_GUEST = re.compile(rf"(?:[(\[]\s*|\s){GUEST}\s+([^)\]]*?)\s*(?:[)\]]|$|(?=\s-\s))", re.IGNORECASE)

BETWEEN_ARTISTS = re.compile(
    rf"\s*(?:[;|\u3001\uff0c]|\s/\s|/|(?<!\d),|,(?!\d)|&|\+|\s{GUEST}\s|\s(?:and|with|vs\.?|x(?=\s\w))\s)\s*"
)
MOST_PARTS = 12
"""Joints of a text that are looked at: the runs grow with the square of their number."""

CHANNEL = (r"\s+-\s+topic$", r"(\w)vevo$")
"""The channels of artists on YouTube."""


def title_keys(titles: pa.Array | pa.ChunkedArray) -> pa.Array:
    """(n,) titles as they are compared; null stays null.

    Blind to case, accents, punctuation and spaces, and to what makes no other song: guests, remasters, a live or
    radio version, an official video. Remixes, covers and instrumentals are songs of their own.

    >>> title_keys(pa.array(["Déjà Vu (feat. Zoë) - Live", "deja-vu [Official Video]", "Vu (Remix)"])).to_pylist()
    ['dejavu', 'dejavu', 'vuremix']
    """
    plain = _plain(titles)
    bare = _without_guest_clauses(plain)
    bare = _rewritten(bare, pc.match_substring_regex(bare, MAY_HAVE_TAIL), _without_tails)
    keys = _key(bare)
    return pc.if_else(pc.equal(keys, ""), _key_or_signs(plain), keys)


def artist_keys(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """(n,) the names of artists as they are compared, each as one name; null stays null.

    >>> artist_keys(pa.array(["Zoë & The Kites", "ZOE AND THE KITES", "P!nk", "The Ærø", "Vela - Topic"])).to_pylist()
    ['zoeandthekites', 'zoeandthekites', 'pink', 'aero', 'vela']
    """
    plain = _plain(names)
    for pattern in CHANNEL:
        plain = pc.replace_substring_regex(plain, pattern, r"\1" if pattern.startswith("(") else "")
    keys = _key(pc.replace_substring_regex(plain, r"^\s*the\s+", ""))
    return pc.if_else(pc.equal(keys, ""), _key_or_signs(plain), keys)


def artist_parts(texts: Sequence[str | None]) -> list[tuple[str, ...]]:
    """The keys of the artists that each text may name, in its order: parted at ``, ; & / x feat. with and``.

    A name that holds one of these is parted too; :func:`artist_readings` has it whole.

    >>> artist_parts(["Vela feat. P!nk & 10,000 Lanterns", None])
    [('vela', 'pink', '10000lanterns'), ()]
    """
    return _keys_of([BETWEEN_ARTISTS.split(plain) for plain in _unbracketed(texts)])


def artist_readings(texts: Sequence[str | None]) -> list[tuple[str, ...]]:
    """The keys of the artists that each text may name, each run of its parts as one name: the longest first.

    >>> artist_readings(["Zoë & The Kites, Hex"])
    [('zoeandthekiteshex', 'zoeandthekites', 'kiteshex', 'zoe', 'kites', 'hex')]
    """
    return _keys_of([_runs(plain) for plain in _unbracketed(texts)])


def guests(titles: Sequence[str | None]) -> list[tuple[str, ...]]:
    """The keys of the artists that each title names as guests.

    >>> guests(["Thunder (with Hex & Kite) - Live", "Stay (With Me)"])
    [('hex', 'kite'), ()]
    """
    found = []
    for plain in _plain(pa.array(titles, pa.string())).to_pylist():
        clauses = [match[1] for pattern in (NAMED_GUEST, WITH_GUEST) for match in pattern.finditer(plain or "")]
        found.append([name for clause in clauses for name in BETWEEN_ARTISTS.split(clause)])
    return _keys_of(found)


def same_artists(one: Iterable[str], other: Iterable[str]) -> bool:
    """True where two lists of artists, as keys, may be those of one song: all of one are among the other's.

    >>> same_artists(["vela"], ["hex", "vela"]), same_artists(["vela", "kite"], ["vela", "hex"])
    (True, False)
    """
    first, second = set(one), set(other)
    return bool(first and second) and (first <= second or second <= first)


def _unbracketed(texts: Sequence[str | None]) -> list[str]:
    plain = _plain(pa.array(texts, pa.string())).to_pylist()
    return [re.sub(r"[()\[\]]+", " ", text or "").strip() for text in plain]


def _runs(plain: str) -> list[str]:
    """All runs of the parts of a text, as it has them, the longest first."""
    cuts = [cut.span() for cut in BETWEEN_ARTISTS.finditer(plain)][:MOST_PARTS]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(plain)]
    n = len(starts)
    return [plain[starts[low] : ends[low + size - 1]] for size in range(n, 0, -1) for low in range(n - size + 1)]


def _keys_of(names: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The distinct keys of each list of names."""
    keys = iter(artist_keys(pa.array([name for listed in names for name in listed], pa.string())).to_pylist())
    return [tuple(dict.fromkeys(key for key in islice(keys, len(listed)) if key)) for listed in names]


def _plain(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Lower case, no accents, plain letters, quotes, dashes and brackets."""
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    names = names.cast(pa.string())
    plain = _rewritten(pc.ascii_lower(names), pc.invert(pc.string_is_ascii(names)), _latin)
    return _rewritten(plain, pc.match_substring_regex(plain, "[{}]"), _brackets)


def _rewritten(texts: pa.Array, which: pa.Array, rewrite: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Texts of which some are rewritten: few of a catalogue's names need each rule, and rules cost time."""
    which = pc.fill_null(which, False)
    if not pc.any(which).as_py():
        return texts
    return pc.replace_with_mask(texts, which, rewrite(texts.filter(which)))


def _latin(names: pa.Array) -> pa.Array:
    """As :func:`_plain`, of names beyond ASCII."""
    plain = folded(names)
    for letter, written in LETTERS:
        plain = pc.replace_substring(plain, letter, written)
    for pattern, written in ((DASHES, "-"), ("[\u3010\u300c]", "["), ("[\u3011\u300d]", "]")):
        plain = pc.replace_substring_regex(plain, pattern, written)
    return plain


def _brackets(plain: pa.Array) -> pa.Array:
    return pc.replace_substring(pc.replace_substring(plain, "{", "["), "}", "]")


def _without_tails(plain: pa.Array) -> pa.Array:
    for pattern in TAILS:
        plain = pc.replace_substring_regex(plain, pattern, r"\1" if pattern.startswith("(.)") else " ")
    return plain


def _without_guest_clauses(plain: pa.Array) -> pa.Array:
    """Titles without ``(with X)``. RE2, which Arrow has, knows no "unless": those few titles go through Python."""
    has = pc.fill_null(pc.match_substring_regex(plain, rf"(?:[(\[]\s*|\s-\s+){WITH}\s"), False)
    if not pc.any(has).as_py():
        return plain
    replaced = [WITH_GUEST.sub(" ", text) for text in plain.filter(has).to_pylist()]
    return pc.replace_with_mask(plain, has, pa.array(replaced, pa.string()))


def _key(plain: pa.Array) -> pa.Array:
    """Letters and digits alone, ``&`` as ``and``."""
    plain = _rewritten(plain, pc.match_substring_regex(plain, r"[!$&+]|\bn\b"), _spelt_out)
    simple = pc.replace_substring_regex(plain, "[\x01-/:-`{-\x7f]+", "")
    return _rewritten(simple, pc.invert(pc.string_is_ascii(simple)), _letters)


def _spelt_out(plain: pa.Array) -> pa.Array:
    for pattern, written in (*SIGNS, (r"\s*[&+]\s*|\s+'?n'?\s+", " and ")):
        plain = pc.replace_substring_regex(plain, pattern, written)
    return plain


def _letters(plain: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(plain, r"[^\p{L}\p{N}\p{M}]+", "")


def _key_or_signs(plain: pa.Array) -> pa.Array:
    """As :func:`_key`; what has neither letters nor digits keeps its signs."""
    keys = _key(plain)
    return pc.if_else(pc.equal(keys, ""), pc.utf8_trim_whitespace(plain), keys)
