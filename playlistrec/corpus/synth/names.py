"""Names and ids of invented music: a word, a uri or a duration is a function of the seed and of the integer key.

Nothing is listed or remembered, so any slice can be made without the others.
"""

# ruff: noqa: RUF001 (letters of other alphabets are the point)
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from .taste import Keys, artist_of, rank_of

__all__ = ["album_names", "artist_names", "durations_ms", "playlist_titles", "track_names", "uris"]

Hashes = npt.NDArray[np.uint64]

REISSUES = 0.026
"""Share of an artist's lesser tracks that carry the title of one of its three hits."""

BASE62 = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8)


def _product(*parts: str) -> list[str]:
    """All ways to join one item of each comma-separated list."""
    words = [""]
    for part in parts:
        words = [word + piece for word in words for piece in part.split(",")]
    return words


LATIN = _product("b,br,c,d,dr,f,g,h,j,k,l,m,n,p,r,s,st,t,tr,v,w,z,sh", "a,a,e,e,i,i,o,o,u,ai,ea,oo", ",,,,n,r,l,s")
ACCENTED = _product("b,c,ç,d,f,j,l,m,n,ñ,p,r,s,š,t,v,ž", "á,é,í,ó,ö,ü,a,e,å,ø", ",,n,r")
CYRILLIC = _product("б,в,г,д,ж,з,к,л,м,н,п,р,с,т,х,ч,ш", "а,е,и,о,у,я,ы", ",,н,р,й")
GREEK = _product("β,γ,δ,θ,κ,λ,μ,ν,π,ρ,σ,τ,φ,χ", "α,ε,η,ι,ο,υ,ω,ά,ό", ",,ν,ρ")
KATAKANA = _product("カ,キ,ク,コ,サ,シ,ス,タ,テ,ト,ナ,ノ,ハ,マ,ミ,ム,ラ,リ,ル,ロ", ",ー,ン", ",,ッ")
HANGUL = [chr(0xAC00 + 28 * i) for i in range(0, 399, 2)]
SYLLABLES = (LATIN, ACCENTED, CYRILLIC, GREEK, KATAKANA, HANGUL)
ALPHABET = (0,) * 114 + (1,) * 6 + (2, 2, 3, 4, 4, 5, 5, 5)
"""The alphabet of an artist by the low seven bits of its hash."""

MOODS = _product(
    "chill,workout,party,summer,road trip,sleep,study,gym,throwback,vibes,feels,love,happy,sad,running,good vibes,"
    "morning,drive,dinner,wedding,christmas,beach,shower,work,relax,focus,dance,favorites,my jams,oldies,slow jams,"
    "hype,pregame,late night,sunday,rainy day,breakup,car,new music,old school,mellow,cleaning,country road,bbq,"
    "campfire,yoga,acoustic,lit,random,music,mix,best,classics,soundtrack,calm,night,fire,turn up,sing along,weekend"
)
GENRE_WORDS = _product(
    "pop,rap,country,rock,indie,edm,latin,r&b,alternative,hip hop,worship,metal,house,jazz,folk,punk,soul,reggaeton,"
    "classical,k-pop,funk,dubstep,blues,reggae"
)
MONTHS = _product("january,february,march,april,may,june,july,august,september,october,november,december")
SEASONS = ("spring", "summer", "fall", "winter")
EMOJI = ("🌴", "🔥", "🎉", "❤️", "☀️", "😎", "🎶", "💪", "✨", "🌙", "🚗", "💔", "🎄", "🌊", "💯")
FOREIGN = ("музыка", "лето", "μουσική", "夏", "음악", "любимое", "音楽", "여름")


def mix(keys: Keys, seed: int, salt: int) -> Hashes:
    """(n,) well-mixed 64-bit hashes of integer keys (the finaliser of SplitMix64, Steele et al. 2014)."""
    z = keys.astype(np.uint64) + np.uint64(((seed * 64 + salt + 1) * 0x9E3779B97F4A7C15) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uris(kind: Literal["track", "artist", "album"], keys: Keys, seed: int) -> list[str]:
    """``spotify:<kind>:`` and 22 digits of base 62 for each key.

    >>> uris("track", np.array([7]), seed=0)
    ['spotify:track:8ZDGX3VOhGx0MsNb4VYtPI']
    """
    digits = np.empty((len(keys), 22), dtype=np.uint8)
    for half in (0, 1):
        rest = mix(keys, seed, 2 * ("track", "artist", "album").index(kind) + half)
        for place in range(11):
            digits[:, 11 * half + 10 - place] = BASE62[rest % np.uint64(62)]
            rest //= np.uint64(62)
    ids = digits.view("S22").ravel().astype(str).tolist()
    return [f"spotify:{kind}:{text}" for text in ids]


def durations_ms(tracks: Keys, seed: int) -> list[int]:
    """Milliseconds: a bell around 3:45, from 1:10 to 6:20."""
    bits = mix(tracks, seed, 6)
    parts = np.array([bits >> np.uint64(16 * i) & np.uint64(0xFFFF) for i in range(4)]).sum(axis=0)
    milliseconds: list[int] = (70_000 + parts.astype(np.int64) * 310_000 // (4 * 0xFFFF)).tolist()
    return milliseconds


def artist_names(artists: Keys, seed: int) -> list[str]:
    """Such as ``Stailo Vor``, ``The Breas`` or ``Кито Бай``; one in nine is not ASCII."""
    codes = (mix(artists, seed, 8) % np.uint64(37)).tolist()
    return [
        f"The {name.rstrip('s')}s" if code < 4 and name.isascii() else f"DJ {name}" if code == 4 else name
        for name, code in zip(_phrases(artists, artists, seed, 9), codes)
    ]


def track_names(tracks: Keys, seed: int) -> list[str]:
    """A title in its artist's alphabet for each track; some are reissues that carry the title of a hit."""
    code = mix(tracks, seed, 7)
    hit = tracks - rank_of(tracks) + (code % np.uint64(3)).astype(np.int64)
    reissued = (rank_of(tracks) >= 3) & (code >> np.uint64(32) < np.uint64(REISSUES * 2**32))
    return _works(np.where(reissued, hit, tracks), artist_of(tracks), seed, 11)


def album_names(albums: Keys, seed: int) -> list[str]:
    """A title in its artist's alphabet for each album key."""
    return _works(albums, artist_of(albums), seed, 14)


def _works(keys: Keys, artists: Keys, seed: int, salt: int) -> list[str]:
    tails = (" - Live", " - Remastered", " (Remix)", " (Acoustic)")
    codes = (mix(keys, seed, salt) % np.uint64(80)).tolist()
    phrases = _phrases(keys, artists, seed, salt + 1)
    return [phrase + tails[code] if code < len(tails) else phrase for phrase, code in zip(phrases, codes)]


def _phrases(keys: Keys, artists: Keys, seed: int, salt: int) -> list[str]:
    """A phrase for each key in the alphabet of its artist."""
    alphabets = [SYLLABLES[ALPHABET[code]] for code in (mix(artists, seed, 17) & np.uint64(127)).tolist()]
    high, low = (mix(keys, seed, part).tolist() for part in (salt, salt + 1))
    return [_phrase(syllables, a << 64 | b) for syllables, a, b in zip(alphabets, high, low)]


def _phrase(syllables: Sequence[str], code: int) -> str:
    """One to three capitalised words of one to three syllables, read off the digits of a 128-bit code."""
    words = []
    code, n_words = divmod(code, 4)
    for _ in range((1, 2, 2, 3)[n_words]):
        code, n_syllables = divmod(code, 4)
        word = ""
        for _ in range((2, 2, 3, 1)[n_syllables]):
            code, syllable = divmod(code, len(syllables))
            word += syllables[syllable]
        words.append(word.capitalize())
    return " ".join(words)


def playlist_titles(genres: Keys, artists: Iterable[str], random: np.random.Generator) -> list[str]:
    """A title for each playlist, from its genre (n,) or an artist in it (n,).

    A few hundred titles come back in many spellings: ``Chill``, ``chill ``, ``CHILL 🌴``; one in a hundred has
    no ASCII letter at all.
    """
    dice = random.random((len(genres), 6)).tolist()
    return [_spelled(_title(genre, artist, *u[:4]), *u[4:]) for genre, artist, u in zip(genres.tolist(), artists, dice)]


def _title(genre: int, artist: str, form: float, pick: float, other: float, when: float) -> str:
    # Moods are Zipf-like, each genre with favourites of its own before those of all.
    mood = MOODS[(int(len(MOODS) * pick**3) + (5 * genre if other < 0.5 else 0)) % len(MOODS)]
    word = GENRE_WORDS[genre]
    year = 2017 - int(8 * when**2)
    return next(
        title
        for limit, title in (
            (0.30, mood),
            (0.48, word),
            (0.60, f"{mood} {word}" if other < 0.7 else f"{word} {year}"),
            (0.72, f"{SEASONS[int(4 * pick)]} {year if other < 0.7 else year - 2000}"),
            (0.78, MONTHS[int(12 * pick)] + (f" {year}" if other < 0.4 else "")),
            (0.84, artist),
            (0.94, _phrase(LATIN, int(6000 * pick**2) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
            (0.995, f"{mood} {MOODS[int(len(MOODS) * other)]}"),
            (0.997, FOREIGN[int(len(FOREIGN) * pick)]),
            (1.0, EMOJI[int(len(EMOJI) * pick)]),
        )
        if form < limit
    )


def _spelled(title: str, case: float, tail: float) -> str:
    title = title.title() if case < 0.5 else title.upper() if case < 0.57 else title
    if tail < 0.08:
        return f"{title} {EMOJI[int(len(EMOJI) * tail / 0.08)]}"
    return title + ("!" if tail < 0.11 else " " if tail < 0.14 else "." if tail < 0.16 else "")
