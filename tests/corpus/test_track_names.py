"""Artists and titles as they are compared."""

from __future__ import annotations

import pyarrow as pa
import pytest

from playlistrec.corpus.track_names import (
    artist_keys,
    artist_parts,
    artist_readings,
    guests,
    same_artists,
    title_keys,
)


def key(title: str) -> str:
    return str(title_keys(pa.array([title]))[0].as_py())


@pytest.mark.parametrize(
    "title",
    [
        "Golden Velvet (feat. Hex)",
        "Golden Velvet [feat. Hex & Kite]",
        "Golden Velvet (ft. Hex)",
        "Golden Velvet feat. Hex",
        "Golden Velvet ft Hex",
        "Golden Velvet (Featuring Hex)",
        "Golden Velvet - feat. Río Claro",
        "Golden Velvet (with 10,000 Lanterns)",
        "Golden Velvet - with Hex",
        "Golden Velvet (w/ Hex)",
        "Golden Velvet - Remastered 2011",
        "Golden Velvet - 2011 Remaster",
        "Golden Velvet - 2011 Remastered Version",
        "Golden Velvet (Remastered)",
        "Golden Velvet (2009 Digital Remaster)",
        "Golden Velvet – Remastered",
        "Golden Velvet Remastered 2011",
        "Golden Velvet - Live",
        "Golden Velvet (Live)",
        "Golden Velvet [Live]",
        "Golden Velvet - Live at Wembley / 1986",
        "Golden Velvet (Live from Berlin)",
        "Golden Velvet - Live - Remastered 2011",
        "Golden Velvet (feat. Hex) - Live",
        "Golden Velvet (feat. Hex) [Remastered 2011]",
        "Golden Velvet - Radio Edit",
        "Golden Velvet (Radio Edit)",
        "Golden Velvet (Radio Version)",
        "Golden Velvet Radio Edit",
        "Golden Velvet (Official Video)",
        "Golden Velvet [Official Music Video]",
        "Golden Velvet (Official HD Video)",
        "Golden Velvet | Official Video",
        "Golden Velvet - Official Audio",
        "Golden Velvet Official Video",
        "Golden Velvet (Official Lyric Video)",
        "Golden Velvet (Lyrics)",
        "Golden Velvet (Audio)",
        "Golden Velvet (Single Version)",
        "Golden Velvet - Mono",
        "Golden Velvet (Original Mix)",
        "Golden Velvet (Deluxe Edition)",
        "Golden Velvet (feat. Hex",
        "GOLDEN VELVET",
        "  golden—velvet!  ",
        "Göldén Velvet",
        "Golden Velvet【Official Video】",
        "Golden Velvet （Live）",
    ],
)
def test_versions_of_a_song_have_one_key(title: str) -> None:
    assert key(title) == "goldenvelvet"


@pytest.mark.parametrize(
    "title",
    [
        "Golden Velvet (Kite Remix)",
        "Golden Velvet - Kite Remix",
        "Golden Velvet (Instrumental)",
        "Golden Velvet, Pt. 2",
        "Golden Velvet (With Me)",
        "Golden Velvet (Long Gone)",
        "Golden Velvet with Hex",
        "Golden Velvet (1999)",
        "Golden Velvet Live Forever",
        "Golden Velvets",
        "Golden Velvet - Karaoke",
    ],
)
def test_another_song_has_another_key(title: str) -> None:
    assert key(title) != "goldenvelvet"


def test_a_title_that_is_nothing_but_a_tag_stays() -> None:
    assert [key("(Live)"), key("Live"), key("Remastered"), key("???"), key("With You"), key("Official Girl")] == [
        *("live", "live", "remastered", "???", "withyou", "officialgirl")
    ]
    assert title_keys(pa.array([None, ""])).to_pylist() == [None, ""]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Don't Stop", "Don’t Stop"),
        ("Don't Stop", "Dont Stop"),
        ("Rock & Roll", "Rock and Roll"),
        ("Rock 'n' Roll", "Rock & Roll"),
        ("Straße", "Strasse"),
        ("Ærø", "Aero"),
        ("Łódź", "Lodz"),
        ("T.N.T.", "TNT"),
        ("Wait…", "Wait..."),
    ],
)
def test_transliterated_signs(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("P!nk", "Pink"),
        ("Ke$ha", "Kesha"),
        ("A$AP Rocky", "ASAP Rocky"),
        ("Joey Bada$$", "Joey Badass"),
        ("Ma$on", "MASON"),
        ("Zoë & The Kites", "Zoe and the Kites"),
        ("The Quiet Harbours", "Quiet Harbours"),
        ("O'Malley Road", "O’Malley Road"),
        ("Vela - Topic", "Vela"),
        ("VelaVEVO", "Vela"),
        ("AC/DC", "ACDC"),
    ],
)
def test_spellings_of_an_artist(one: str, other: str) -> None:
    first, second = artist_keys(pa.array([one, other])).to_pylist()
    assert first == second


@pytest.mark.parametrize(
    "text",
    [
        *("Vela, Hex", "Vela; Hex", "Vela;Hex", "Vela & Hex", "Vela / Hex", "Vela/Hex", "Vela x Hex", "Vela X Hex"),
        *("Vela feat. Hex", "Vela ft. Hex", "Vela featuring Hex", "Vela (feat. Hex)", "Vela and Hex", "Vela + Hex"),
        *("Vela with Hex", "Vela vs. Hex", "Vela、Hex", "Vela | Hex", "VELA, HEX"),
    ],
)
def test_joined_artists_are_parted(text: str) -> None:
    assert artist_parts([text])[0] == ("vela", "hex")
    assert {"vela", "hex"} <= set(artist_readings([text])[0])


def test_a_name_that_holds_a_joint_is_also_read_whole() -> None:
    wanted = artist_keys(pa.array(["Sand, Salt & Ember", "Milo, The Potter", "NX/QZ", "10,000 Lanterns"])).to_pylist()
    joined = "Kite x Sand, Salt & Ember feat. Milo, The Potter, NX/QZ / 10,000 Lanterns"
    assert set(wanted) <= set(artist_readings([joined])[0])
    assert artist_readings(["Lil Nas X"]) == [("lilnasx",)]
    assert artist_readings(["Malcolm X & Kite"])[0][1:] == ("malcolmx", "kite")


def test_guests_of_a_title() -> None:
    titles = ["Thunder (feat. P!lar)", "Thunder ft. Hex & Kite - Live", "Thunder", "Left Without You (With Me)", None]
    assert guests(titles) == [("pilar",), ("hex", "kite"), (), (), ()]


def test_artists_of_one_song_in_any_order() -> None:
    either, other, one, more, zed = artist_parts(["Hex & Vela", "Vela; Hex", "Vela", "Hex, Vela", "Zed"])
    assert same_artists(either, other)
    assert same_artists(one, more)
    assert not same_artists(one, zed)
    assert not same_artists((), ())
