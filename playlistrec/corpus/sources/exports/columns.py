"""The names that exporters give to the columns and fields of a track, in the languages they write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..dialects import letters

__all__ = ["FIELDS", "known_columns", "our_name"]

NAMES: Mapping[str, tuple[str, ...]] = {
    "uri": (
        *("Track URI", "Spotify Track URI", "Spotify URI", "URI", "Spotify Track ID", "Track ID", "Spotify ID"),
        *("Spotify - id", "Song ID", "ID", "Track URL", "Spotify URL", "Spotify Link", "URL", "Link", "Track Link"),
        *("Identifier", "Location", "Track-URI", "URI de la canción", "URI du titre", "URI della traccia"),
        *("URI da faixa", "Nummer URI", "Låtens URI", "Parça URI", "URI κομματιού", "رابط الأغنية (URI)"),
        *("トラックURI", "曲目 URI", "歌 Link"),
    ),
    "video": ("Video ID", "YouTube - id", "YouTube ID", "YouTube Music - id"),
    "deezer": ("Deezer - id", "Deezer ID", "Deezer Track ID"),
    "apple": ("Apple - id", "Apple Music - id", "Apple ID"),
    "tidal": ("Tidal - id", "Tidal ID"),
    "name": (
        *("Track Name", "Track Title", "Song Title", "Song Name", "Name", "Title", "Song", "Track"),
        *("Master Metadata Track Name", "Track-Name", "Titel", "Nombre de la canción", "Nom du titre", "Titre"),
        *("Nome della traccia", "Titolo", "Nome da faixa", "Título", "Nummernaam", "Låtens namn", "Parça Ad\u0131"),
        *("Όνομα κομματιού", "اسم الأغنية", "トラック名", "曲目名称", "曲目名稱", "歌名"),
    ),
    "artist": (
        *("Artist Name(s)", "Artist Name", "Artist Names", "Artist", "Artists", "Track Artist", "Creator", "By"),
        *("Artist Name 1", "Performer", "Master Metadata Album Artist Name", "Künstlername(n)", "Künstler"),
        *("Interpret", "Nombre(s) del artista", "Artista", "Nom(s) de l'artiste", "Artiste", "Nome dell'artista"),
        *("Nome(s) do artista", "Naam van artiest", "Artiest", "Artistens namn", "Sanatç\u0131 Ad\u0131"),
        *("Όνομα/τα καλλιτέχνη", "أسماء الفنانين", "アーティスト名", "艺人名称", "藝人名稱", "Artist 名"),
    ),
    "artist_uri": (
        *("Artist URI(s)", "Artist URI", "Artist ID", "Artist IDs", "Künstler-URI(s)", "URI(s) del artista"),
        *("URI(s) de l'artiste", "URI dell'artista", "URI(s) do artista", "Artiest-URI", "Artistens URI"),
        *("Sanatç\u0131 URI", "URI καλλιτέχνη/ων", "روابط الفنانين (URI)", "アーティストURI", "艺人 URI", "藝人 URI"),
        "Artist Link",
    ),
    "album": (
        *("Album Name", "Album", "Album Title", "Master Metadata Album Album Name", "Album-Name"),
        *("Nombre del álbum", "Nom de l'album", "Nome dell'album", "Nome do álbum", "Naam van album"),
        *(
            "Albumets namn",
            "Albüm Ad\u0131",
            "Όνομα άλμπουμ",
            "اسم الألبوم",
            "アルバム名",
            "专辑名称",
            "專輯名稱",
            "專輯名",
        ),
    ),
    "album_uri": (
        *("Album URI", "Album ID", "Album-URI", "URI del álbum", "URI de l'album", "URI dell'album", "URI do álbum"),
        *("Albumets URI", "Albüm URI", "URI άλμπουμ", "رابط الألبوم (URI)", "アルバムURI", "专辑 URI", "專輯 URI"),
        "專輯 Link",
    ),
    "isrc": ("ISRC", "Track ISRC", "ISRC Code"),
    "duration_ms": ("Track Duration (ms)", "Duration (ms)", "Duration_ms", "Duration MS"),
    "playlist": (
        *("Playlist Name", "Playlist", "Playlist Title", "Playlistname", "List Name", "Playlist-Name"),
        *("Nom de la playlist", "Nombre de la lista", "Nome della playlist", "Nome da playlist"),
    ),
    "position": ("Position", "Pos", "Track Position", "Playlist Position", "#"),
    "added": (
        *("Added At", "Added Date", "Date Added", "Time Added", "Tag Time", "Created At", "Start Time"),
        *("Playlist Video Creation Timestamp", "Playlist Video Creation Time", "Hinzugefügt am", "Ajouté le"),
        *("Añadido en", "Aggiunto il", "Adicionado em", "Toegevoegd op", "Tillagd vid", "Eklenme Tarihi"),
        *("Προστέθηκε στις", "أضيف في", "追加日時", "添加时间", "新增時間", "加入時間"),
    ),
}
"""Our name of each column, and those that files have; the preferred one first."""

FIELDS: Mapping[str, tuple[str, ...]] = {ours: tuple(map(letters, names)) for ours, names in NAMES.items()}
"""These names, compared as :func:`~..dialects.letters`."""

_OURS = {name: ours for ours, names in FIELDS.items() for name in names}


def our_name(column: str) -> str | None:
    """Our name of a column or a field, None where it is not one that is read.

    >>> our_name("Künstlername(n)"), our_name("track_uri"), our_name("Popularity")
    ('artist', 'uri', None)
    """
    return _OURS.get(letters(column))


def known_columns(header: Iterable[str]) -> int:
    """The number of different columns of ours among these names."""
    return len({our_name(name) for name in header} - {None})
