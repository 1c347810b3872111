"""Recordings over HTTP: their states, events and outlines, at any moment; the live one while it grows."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from raftzmq.collector.cluster_state import ClusterState
from raftzmq.collector.recording import Recording
from raftzmq.collector.recording_file import recorded_files
from raftzmq.collector.web import recording_view
from raftzmq.collector.web.recording_shelf import OPENED_MAX
from tests.collector.audited_runs import recorded
from tests.collector.recordings import Collected, record
from tests.collector.streams import boot, collectors, event, standing
from tests.collector.support import wait_until
from tests.collector.web.support import Answer, Serving, leads, serving

EVENTS = 3_000
ZSTD = "application/zstd"


@contextmanager
def shelved(path: Path, **options: Any) -> Iterator[tuple[Serving, str]]:
    """A server without a collector, with a recording on its shelf; and where that is."""
    with serving(live=False, **options) as one:
        yield one, f"/v1/recordings/{one.web.shelf.add(path, ident='run')}"


def upload(one: Serving, data: bytes, **changes: str | None) -> Answer:
    """Open a file."""
    return one.post("/v1/recordings", body=data, **{"Content_Type": ZSTD, "Slug": "shared%20run.zst", **changes})


def hash_of(document: dict[str, Any]) -> str:
    """Of a state as it was answered."""
    return ClusterState.from_json({k: v for k, v in document.items() if k != "leader"}).hash()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Collected]:
    """The recording of a simulated run with faults."""
    directory = tmp_path_factory.mktemp("run")
    return directory, record(directory, recorded(3, 6_000)[:EVENTS], every=700, frame=90)


def test_the_state_at_any_position_is_the_one_of_the_live_run(
    run: tuple[Path, Collected], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_view, "STATE_EVENTS", 60)
    directory, collected = run
    chosen = random.Random(5)
    with shelved(directory) as (one, at):
        for position in [1, 2, *chosen.sample(sorted(collected.states), 60), max(collected.states)]:
            found = one.get(f"{at}/state?position={position}").json
            assert (found["position"], found["from"], found["events"]) == (position, position, [])
            assert hash_of(found["state"]) == collected.states[position], position
            lead = chosen.randint(1, 900)
            found = one.get(f"{at}/state?position={position}&lead={lead}").json
            assert [number for number, _ in found["events"]] == list(range(found["from"] + 1, position + 1))
            assert found["from"] <= max(0, position - lead)
            state = ClusterState.from_json({k: v for k, v in found["state"].items() if k != "leader"})
            for _, told in found["events"]:
                state.fold(told)
            assert state.hash() == collected.states[position]


def test_events_come_in_pieces_without_a_hole(run: tuple[Path, Collected]) -> None:
    directory, collected = run
    with shelved(directory) as (one, at):
        found: list[Any] = []
        while piece := one.get(f"{at}/events?after={len(found)}&count=777").json:
            assert len(piece) <= 777
            found += piece
        assert found == [[merged.position, merged.event] for merged in collected.merged]


def test_a_time_leads_to_the_last_event_that_is_not_after_it(run: tuple[Path, Collected]) -> None:
    directory, collected = run
    times = [merged.event["ts"] for merged in collected.merged]
    ms = int(times[len(times) // 2] * 1000)
    with shelved(directory) as (one, at):
        position = one.get(f"{at}/state?ms={ms}").json["position"]
        assert all(int(ts * 1000) <= ms for ts in times[:position])
        assert times[position] * 1000 >= ms
        assert one.get(f"{at}/state?ms=0").json["position"] == 0
        assert one.get(f"{at}/state?ms={2**52}").json["position"] == len(times)


def test_places_outside_are_taken_for_the_nearest(run: tuple[Path, Collected], tmp_path: Path) -> None:
    directory, collected = run
    last = len(collected.merged)
    with shelved(directory) as (one, at):
        assert one.get(f"{at}/state?position=0").json["state"] == ClusterState().to_json()
        assert one.get(f"{at}/state?position={last + 9}").json["position"] == last
        assert one.get(f"{at}/events?after={last}").json == []
        assert one.get(f"{at}/tick?position={last}&step=1").json == {"position": None}
    later = tmp_path / "later"
    later.mkdir()
    place = Recording(directory).frames(1500, last)
    with (later / "events-00000009.events.jsonl.zst").open("wb") as file:
        for source, frame in place:
            file.write(source.read_whole(frame))
    with shelved(later) as (one, at):
        about = one.get(at).json
        begin = about["first_position"]
        assert begin in Recording(later).checkpoints
        found = one.get(f"{at}/state?position=3").json
        assert (found["position"], hash_of(found["state"])) == (begin, collected.states[begin])


def test_the_outline_has_all_that_happened(run: tuple[Path, Collected]) -> None:
    directory, collected = run
    last = len(collected.merged)
    with shelved(directory) as (one, at):
        wait_until(lambda: one.get(f"{at}/outline").json["complete"], "all was looked through")
        found = one.get(f"{at}/outline?buckets=50").json
        assert (found["positions"][0], found["positions"][-1]) == (1, last + 1)
        assert found["positions"] == sorted(found["positions"])
        assert len(found["ms"]) == 51
        assert sum(found["counts"]) == last
        led = [(m.event["node"], m.event["term"]) for m in collected.merged if m.event.get("role") == "leader"]
        terms = {term for node, term in led if node != "collector"}
        assert {reign["term"] for reign in found["reigns"]} == terms
        for before, after in zip(found["reigns"], found["reigns"][1:], strict=False):
            assert before["last"] <= after["first"]
        leaders = [tick["position"] for tick in found["ticks"] if tick["kind"] == "leader"]
        elected = [m.position for m in collected.merged if m.event["type"] == "role" and m.event["role"] == "leader"]
        assert leaders == elected
        part = one.get(f"{at}/outline?from=1000&to=1999&buckets=10").json
        assert sum(part["counts"]) == 1000
        assert all(1000 <= tick["position"] <= 1999 for tick in part["ticks"])
        assert one.get(f"{at}/tick?position={elected[1]}&step=-1").json["position"] < elected[1]
        assert one.get(f"{at}/tick?position={elected[1] - 1}&step=1").json == {"position": elected[1]}


def test_a_silence_takes_little_room(tmp_path: Path) -> None:
    busy = [event("commit", ms=10 * k, index=k) for k in range(1, 500)]
    after = [event("commit", ms=86_400_000 + 10 * k, index=500 + k) for k in range(1, 500)]
    record(tmp_path, [boot("n1"), *busy, *after])
    with shelved(tmp_path) as (one, at):
        counts = one.get(f"{at}/outline?buckets=100").json["counts"]
        assert counts.count(0) < 60


def test_leaders_come_and_go(tmp_path: Path) -> None:
    gone = collectors("process", name="raftzmq:n1", state="EXITED", previous="RUNNING", pid=7, exit_status=-9)
    elected: dict[str, Any] = {"role": "leader", "previous": "candidate", "reason": "votes"}
    stands: dict[str, Any] = {"role": "candidate", "previous": "follower", "reason": "none"}
    events = [
        *(boot(name) for name in ("n1", "n2", "n3")),
        event("role", "n1", term=2, **elected),
        gone,
        event("role", "n2", term=3, **elected),
        standing("n2", term=3, role="leader", leader="n2"),
        event("role", "n3", term=4, **stands),
        event("role", "n3", term=4, **elected),
        event("fault", "n3", what="set", peer="n1", cut=True, drop=0.0),
        event("role", "n3", term=5, role="follower", previous="leader", reason="a higher term"),
    ]
    record(tmp_path, events)
    with shelved(tmp_path) as (one, at):
        found = one.get(f"{at}/outline").json
        told = [(reign["node"], reign["term"], reign["first"], reign["last"]) for reign in found["reigns"]]
        assert told == [("n1", 2, 5, 6), ("n2", 3, 7, 9), ("n3", 4, 10, 12)]
        kinds = [tick["kind"] for tick in found["ticks"]]
        assert kinds == ["start"] * 3 + ["leader", "crash", "leader", "candidate", "leader", "fault"]
        assert found["ticks"][-1]["event"]["peer"] == "n1"


def test_a_torn_file_shows_what_is_whole(run: tuple[Path, Collected], tmp_path: Path) -> None:
    directory, collected = run
    data = bytearray(recorded_files(directory)[0].read_bytes())
    torn = tmp_path / "torn.events.jsonl.zst"
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    torn.write_bytes(data[:-100])
    with shelved(torn) as (one, at):
        about = one.get(at).json
        assert about["last_position"] < len(collected.merged)
        assert any("damaged" in note for note in about["notes"])
        found = [number for number, _ in one.get(f"{at}/events?after=0").json]
        assert found == sorted(set(found))
        assert 100 < len(found) < about["last_position"]
        for position in (found[100], found[-1]):
            assert hash_of(one.get(f"{at}/state?position={position}").json["state"])
        assert one.get(f"{at}/outline").json["complete"]
        assert hash_of(one.get(f"{at}/state?position={found[100]}").json["state"]) == collected.states[found[100]]


def test_the_live_recording_goes_on_where_the_files_end(tmp_path: Path) -> None:
    with serving(directory=tmp_path) as one:
        at = "/v1/recordings/live"
        assert [(each["id"], each["last_position"]) for each in one.get("/v1/recordings").json] == [("live", 0)]
        begin = collectors("checkpoint", position=0, state_hash=ClusterState().hash(), state=ClusterState().to_json())
        one.offer(begin, leads("n2", 4), *({"index": number} for number in range(3, 400)))
        assert one.get(f"{at}/state?position=399").json["position"] == 399
        collected = Collected(tmp_path, boot="c1")
        told = [each for _, each in one.get(f"{at}/events?after=1&count=200").json]
        for each in told:
            collected.take(each)
        collected.flush()
        one.offer(*({"index": number} for number in range(400, 500)))
        found = one.get(f"{at}/events?after=0").json
        assert [number for number, _ in found] == list(range(1, 500))
        assert hash_of(one.get(f"{at}/state?position=150").json["state"]) == collected.states[150]
        newest = one.get(f"{at}/state?position=499&lead=450").json
        assert 450 <= len(newest["events"]) <= 499
        assert one.get(f"{at}/state?position=499").json["state"]["leader"] == "n2"
        outline = one.get(f"{at}/outline").json
        assert (outline["last_position"], outline["complete"]) == (499, True)
        assert [(reign["node"], reign["term"]) for reign in outline["reigns"]] == [("n2", 4)]
        assert one.get(f"{at}/tick?position=499&step=-1").json == {"position": 2}


def test_old_files_that_were_removed_are_forgotten(tmp_path: Path) -> None:
    events = [boot("n1"), *(event("commit", ms=10 * k, index=k) for k in range(1, 900))]
    record(tmp_path, events, file_bytes=4000)
    files = recorded_files(tmp_path)
    assert len(files) > 3
    with serving(directory=tmp_path) as one:
        assert one.get("/v1/recordings/live").json["first_position"] == 1
        for path in files[:2]:
            path.unlink()
        about = one.get("/v1/recordings/live").json
        assert about["first_position"] == Recording(tmp_path).checkpoints[0] > 1
        assert one.get("/v1/recordings/live/state?position=1").json["position"] == about["first_position"]


def test_a_file_can_be_had_and_opened_again(run: tuple[Path, Collected]) -> None:
    directory, collected = run
    with shelved(directory) as (one, at):
        got = one.get(f"{at}/file")
        assert got.headers["content-type"] == ZSTD
        assert "attachment" in got.headers["content-disposition"]
        assert int(got.headers["content-length"]) == len(got.body)
        answer = upload(one, got.body)
        assert answer.status == 200, answer.body
        opened = answer.json
        assert (opened["name"], opened["live"]) == ("shared run.zst", False)
        assert opened["last_position"] == len(collected.merged)
        same = f"/v1/recordings/{opened['id']}/state?position=2000"
        assert one.get(same).json["state"] == one.get(f"{at}/state?position=2000").json["state"]
        part = one.get(f"{at}/file?from=1500&to=1600")
        assert len(part.body) < len(got.body) / 3
        piece = upload(one, part.body).json
        assert piece["first_position"] <= 1500
        assert piece["last_position"] >= 1600
        found = one.get(f"/v1/recordings/{piece['id']}/state?position=1550").json["state"]
        assert hash_of(found) == collected.states[1550]


def test_only_so_many_files_stay_open(run: tuple[Path, Collected]) -> None:
    directory, _ = run
    with shelved(directory) as (one, at):
        data = one.get(f"{at}/file").body
        idents = [upload(one, data).json["id"] for _ in range(OPENED_MAX)]
        one.get(f"/v1/recordings/{idents[0]}/state?position=1")
        newest = upload(one, data).json["id"]
        assert [one.get(f"/v1/recordings/{ident}").status for ident in idents[:3]] == [200, 404, 200]
        assert one.get(f"/v1/recordings/{newest}").status == 200
        home = one.web.shelf._home
        assert home is not None
        assert len(list(home.iterdir())) == OPENED_MAX
    assert not home.exists()


def test_what_is_no_recording_is_refused_and_leaves_nothing() -> None:
    with serving(live=False) as one:
        for data in (b"", b"\x00" * 4096, b'{"type":"role"}\n' * 500, b"\x5e\x2a\x4d\x18" * 300):
            answer = upload(one, data)
            assert answer.status in (400, 422), data[:8]
            assert len(answer.message) > 20
            assert "/tmp" not in answer.message
        assert one.get("/v1/recordings").json == []
        home = one.web.shelf._home
        assert home is None or list(home.iterdir()) == []


def test_opening_needs_the_token_the_origin_and_the_type(run: tuple[Path, Collected]) -> None:
    directory, _ = run
    with shelved(directory) as (one, at):
        data = one.get(f"{at}/file").body
        assert upload(one, data, Authorization=None).status == 401
        assert upload(one, data, Authorization="Bearer 0" * 4).status == 403
        assert upload(one, data, Origin="http://evil.example").status == 403
        assert upload(one, data, Content_Type="application/octet-stream").status == 415
        assert [each["id"] for each in one.get("/v1/recordings").json] == ["run"]


def test_a_file_that_breaks_off_leaves_nothing(run: tuple[Path, Collected]) -> None:
    directory, _ = run
    with shelved(directory) as (one, at):
        data = one.get(f"{at}/file").body
        with one.connect() as bare:
            bare.sendall(
                "POST /v1/recordings HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
                f"Content-Type: {ZSTD}\r\nAuthorization: Bearer {one.web.token.text}\r\n"
                f"Content-Length: {len(data)}\r\n\r\n".encode()
            )
            bare.sendall(data[:2000])
            wait_until(lambda: one.web.shelf.receiving == 1, "it is on its way")
        wait_until(lambda: one.web.shelf.receiving == 0, "it was given up")
        home = one.web.shelf._home
        assert home is not None
        wait_until(lambda: list(home.iterdir()) == [], "nothing is left of it")


HOSTILE = [
    ("state", 400),
    ("state?position=1&ms=1", 400),
    ("state?position=-1", 400),
    ("state?position=1e3", 400),
    ("state?position=%D9%A1", 400),
    ("state?position=99999999999999999999", 400),
    ("state?position=1&lead=5001", 400),
    ("state?position=1&buckets=3", 400),
    ("events?count=5001", 400),
    ("events?count=0", 400),
    ("events?after=x", 400),
    ("outline?buckets=0", 400),
    ("outline?buckets=2001", 400),
    ("tick?position=1&step=0", 400),
    ("tick?position=1&step=1000000000", 400),
    ("file?from=../../etc/passwd", 400),
    ("nothing", 404),
    ("../../../v1/state", 404),
    ("%2e%2e/live", 404),
]


@pytest.mark.parametrize(("path", "status"), HOSTILE)
def test_odd_questions_get_a_sentence(run: tuple[Path, Collected], path: str, status: int) -> None:
    with shelved(run[0]) as (one, at):
        answer = one.get(f"{at}/{path}")
        assert answer.status == status, answer.body
        assert len(answer.message) > 20


@pytest.mark.parametrize("ident", ["other", "..", "%00", "a" * 3000, "<b>", "run%2f..%2frun"])
def test_unknown_recordings_get_a_sentence(run: tuple[Path, Collected], ident: str) -> None:
    with shelved(run[0]) as (one, _):
        answer = one.get(f"/v1/recordings/{ident}/state?position=1")
        assert answer.status == 404
        assert len(answer.body) < 1000


def test_a_recording_that_vanishes_is_said_to_have(tmp_path: Path) -> None:
    with shelved(tmp_path / "nowhere") as (one, at):
        answer = one.get(f"{at}/state?position=1")
        assert answer.status == 404
        assert str(tmp_path) not in answer.message
        assert one.get("/v1/recordings").json == []


def test_a_lab_tells_its_steps(run: tuple[Path, Collected], tmp_path: Path) -> None:
    record(tmp_path, [boot("n1")])
    with shelved(tmp_path) as (one, at):
        assert one.get(at).json["lab"] is None
        (tmp_path / "lab.json").write_text(json.dumps({"lab": "x", "steps": [{"position": 1}]}))
        assert one.get(at).json["lab"]["steps"] == [{"position": 1}]
        (tmp_path / "lab.json").write_text("[" * 100_000)
        assert one.get(at).json["lab"] is None


def test_many_viewers_look_at_once(run: tuple[Path, Collected], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_view, "STATE_EVENTS", 60)
    directory, collected = run
    with shelved(directory) as (one, at), ThreadPoolExecutor(16) as viewers:
        chosen = random.Random(9)
        places = [chosen.randint(1, len(collected.merged)) for _ in range(200)]
        answers = viewers.map(lambda position: one.get(f"{at}/state?position={position}&lead=0").json, places)
        for position, answer in zip(places, answers, strict=True):
            assert hash_of(answer["state"]) == collected.states[position]


def test_a_directory_that_somebody_still_records_in_is_followed(tmp_path: Path) -> None:
    collected = Collected(tmp_path)
    with shelved(tmp_path) as (one, at):
        for number in range(1, 4):
            collected.take(event("commit", index=number))
            collected.flush()
            assert one.get(at).json["last_position"] == 1 + number
            assert hash_of(one.get(f"{at}/state?position=99").json["state"]) == collected.states[1 + number]
        collected.close()
