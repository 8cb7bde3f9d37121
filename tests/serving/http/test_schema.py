"""The server does what its description says: requests made from it by schemathesis, that fit it and that do not.

Ask with any number of requests of each address and kind: ``SCHEMA_CASES=300 pytest tests/serving/http/test_schema.py``.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from serving_process import Server

schemathesis = pytest.importorskip("schemathesis")

pytestmark = pytest.mark.slow


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes:
    return "\n".join(json.dumps(line) for line in (value if isinstance(value, list) else [value])).encode()


CASES = settings(
    **{"deadline": None, "database": None, "derandomize": True, "phases": [Phase.generate]},
    suppress_health_check=list(HealthCheck),
    max_examples=int(os.environ.get("SCHEMA_CASES", "10")),
)


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_the_server_does_what_it_describes(server: Server, mode: str) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    server.until("/map")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    for found in schemathesis.openapi.from_dict(server.ask("GET", "/openapi.json").content).get_all_operations():
        cases = found.ok().as_strategy(generation_mode=GenerationMode(mode))

        @CASES
        @given(cases)
        def holds(case: Any) -> None:
            response = case.call(base_url=server.address)
            assert b"Traceback" not in response.content
            case.validate_response(response, checks=checks)

        with suppress(Unsatisfiable):  # nothing that is asked of some addresses can be wrong
            holds()
    assert server.ask("GET", "/ready").status == 200
