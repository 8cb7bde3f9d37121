"""XML from anywhere: without entities, which a few lines can make swallow all memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....errors import DataError
from ..decoding import Source

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["bare_name", "parse_xml"]


def parse_xml(source: Source) -> Element:
    """The root of a document. Raises DataError for one that is not well formed or declares entities."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    with source.open() as file:
        content = file.read()
    try:
        root: Element = fromstring(content)
    except ParseError as error:
        line, _ = error.position
        why = str(error).partition(":")[0]
        raise DataError(f"{source.name}, line {line}: it is not XML ({why})") from None
    except DefusedXmlException:
        raise DataError(f"{source.name} declares XML entities: such files are not read") from None
    except (LookupError, ValueError) as error:  # an encoding that Python or expat does not know
        raise DataError(f"{source.name} is not XML: {error}") from None
    return root


def bare_name(element: Element) -> str:
    """The name of an element without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].lower()
