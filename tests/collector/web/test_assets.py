"""The page's files: their types, what may be kept of them, and that nothing comes from elsewhere."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from raftzmq.collector.web.assets import STATIC
from raftzmq.events import EVENT_TYPES
from tests.collector.web.support import serving

FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_REFERENCE = re.compile(r"""(?:from|import\(|href=|src=|fetch\()\s*["']([^"']+)["']""")


def test_every_file_comes_with_its_type_and_may_only_load_from_here() -> None:
    with serving() as one:
        names = sorted(path.relative_to(STATIC).as_posix() for path in FILES)
        assert {"index.html", "main.js", "state.js", "styles/page.css", "views/table.js"} <= set(names)
        for name in names:
            found = one.get(f"/static/{name}")
            assert found.status == 200
            assert found.headers["content-type"] == f"{TYPES[STATIC.joinpath(name).suffix]}; charset=utf-8"
            assert found.body == (STATIC / name).read_bytes()
            policy = found.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'")
            assert "unsafe" not in policy
            assert "http" not in policy
        assert one.get("/").body == (STATIC / "index.html").read_bytes()
        told = one.get("/static/catalogue.json").json
        assert told["vote"]["source"] == EVENT_TYPES["vote"].source
        assert list(told) == list(EVENT_TYPES)


def test_whatever_a_file_names_is_there() -> None:
    with serving() as one:
        for path in FILES:
            for name in _REFERENCE.findall(path.read_text()):
                address = urljoin(f"/static/{path.relative_to(STATIC).as_posix()}", name)
                assert address.startswith("/"), f"{path.name} names {name}: it must come from here"
                assert one.get(address).status == 200, f"{path.name} names {name}"


def test_a_browser_that_has_a_file_gets_it_no_second_time() -> None:
    with serving() as one:
        first = one.get("/static/state.js")
        assert first.headers["cache-control"] == "no-cache"
        tag = first.headers["etag"]
        again = one.get("/static/state.js", **{"If-None-Match": tag})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert one.get("/static/state.js", **{"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize(
    "path", ["/static/", "/static/nothing.js", "/static/../web/server.py", "/static/%2e%2e/order.py"]
)
def test_nothing_else_is_given_away(path: str) -> None:
    with serving() as one:
        assert one.get(path).status == 404


def test_a_link_may_choose_how_the_page_looks_and_nothing_else() -> None:
    with serving() as one:
        assert one.get("/?language=ja&theme=dark&messages=on").status == 200
        assert one.get("/?presenter=on&panel=grid&tour=off").status == 200
        assert one.get("/?colour=red").status == 400
        assert one.get("/static/state.js?v=1").status == 400
