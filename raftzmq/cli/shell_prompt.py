"""The shell on a terminal: prompt, history, completion and hints, by prompt_toolkit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import ShellComplete

from raftzmq.cli.output import note, printable
from raftzmq.cli.shared import SharedClients
from raftzmq.cli.shell_commands import LEAVE, OFFERED, ShellCommands, say_usage
from raftzmq.cli.words import split_unfinished, split_words
from raftzmq.errors import RaftzmqError

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History

WELCOME = "raftzmq shell: 'help' lists the commands, the tabulator completes, Ctrl-D leaves"
ASK_S = 0.5
"""How long a node may take to say who leads, for the prompt, which doesn't wait for it."""


def converse(commands: ShellCommands, clients: SharedClients, history: Path | None, endpoints: tuple[str, ...]) -> None:
    """Read and run lines until the user leaves."""
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
        from prompt_toolkit.completion import ThreadedCompleter
    except ImportError:
        note("without prompt_toolkit there is no completion: pip install 'raftzmq[shell]'")
        _converse(commands, _ask_plainly)
        return
    completer = _make_completer(commands)
    view = LeaderView(clients, endpoints)
    session: PromptSession[str] = PromptSession(
        message=view.prompt,
        history=open_history(history),
        completer=ThreadedCompleter(completer),
        complete_while_typing=False,  # keys are asked for over the network
        auto_suggest=AutoSuggestFromHistory(),
        enable_history_search=True,
        bottom_toolbar=lambda: hint(commands, session.default_buffer.text),
    )
    note(WELCOME)

    def ask() -> str:
        view.refresh(session)
        return session.prompt()

    _converse(commands, ask)


@contextmanager
def _on_interrupt(action: Any) -> Iterator[None]:
    """What Ctrl-C does meanwhile."""
    before = signal.signal(signal.SIGINT, action)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _converse(commands: ShellCommands, ask: Callable[[], str]) -> None:
    """Run lines until the user leaves.

    Between a command and the prompt, which takes Ctrl-C as a key, the signal has nothing to end but the shell itself.
    """
    with _on_interrupt(signal.SIG_IGN):
        while True:
            try:
                line = ask()
                with _on_interrupt(signal.default_int_handler):
                    if not _run_line(commands, line):
                        return
            except KeyboardInterrupt:
                # It may have come just as the handler was about to be put back.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            except EOFError:
                return


def _ask_plainly() -> str:
    with _on_interrupt(signal.default_int_handler):
        return input("raftzmq> ")


def _run_line(commands: ShellCommands, line: str) -> bool:
    """Run what was typed; False to leave."""
    try:
        words = split_words(line)
    except ValueError as error:
        say_usage(f"the line cannot be read: {error}")
        return True
    if words[:1] and words[0] in LEAVE:
        return False
    if words:
        commands.run(words)
    return True


def history_file() -> Path:
    """Where typed lines are remembered, unless the user says otherwise (XDG base directories)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "raftzmq" / "history"


def open_history(path: Path | None) -> History:
    """The history in a file that only the user may read: it holds values. In memory if that cannot be had."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    path = path if path is not None else history_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        note(f"this session's lines are not remembered: {path}: {error.strerror}")
        return InMemoryHistory()
    return FileHistory(path)


def completions(commands: ShellCommands, text: str) -> tuple[str, list[tuple[str, str]]]:
    """The word that ``text`` ends in, and what it may become, with a word of explanation."""
    words, beginning = split_unfinished(text)
    if words[:1] == ["help"]:
        words = words[1:]
        found = [(name, lazy.help) for name, lazy in OFFERED.items() if name.startswith(beginning) and not words]
        return beginning, found
    found = []
    if not words:
        found = [(word, "") for word in ("help", *LEAVE) if word.startswith(beginning)]
    items = ShellComplete(commands, {}, "", "").get_completions(words, beginning)
    return beginning, [*((str(item.value), item.help or "") for item in items if item.type == "plain"), *found]


def _make_completer(commands: ShellCommands) -> Any:
    from prompt_toolkit.completion import Completer, Completion

    class Words(Completer):
        """Commands, options and stored keys."""

        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
            beginning, found = completions(commands, document.text_before_cursor)
            for value, explanation in found:
                yield Completion(value, start_position=-len(beginning), display_meta=explanation)

    return Words()


def hint(commands: ShellCommands, text: str) -> str:
    """How the command that is being typed is used."""
    name = text.split(" ", 1)[0]
    if name not in OFFERED:
        return " help · exit "
    context = click.Context(commands, info_name="")
    command = commands.get_command(context, name)
    assert command is not None
    usage = " ".join(command.collect_usage_pieces(click.Context(command, parent=context, info_name=name)))
    return f" {name} {usage} · {OFFERED[name].help} "


class LeaderView:
    """Who leads, as far as is known: asked for before each prompt, shown when the answer is there."""

    def __init__(self, clients: SharedClients, endpoints: tuple[str, ...]) -> None:
        self._clients = clients
        self._endpoints = endpoints
        self._text = "…"

    def prompt(self) -> str:
        """The prompt."""
        return f"raftzmq [{self._text}]> "

    def refresh(self, session: PromptSession[str]) -> None:
        """Ask; the prompt changes when the nodes have answered."""

        def show(answer: Future[list[dict[str, Any]]]) -> None:
            try:
                self._text = describe_leader(answer.result())
            except RaftzmqError:
                self._text = "no answer"
            session.app.invalidate()

        try:
            with self._clients.open(self._endpoints, ASK_S) as client:
                client.status_async(timeout=ASK_S).add_done_callback(show)
        except RaftzmqError:
            self._text = "no answer"


def describe_leader(rows: list[dict[str, Any]]) -> str:
    """The leader of the highest term that says so itself, in a few words."""
    reachable = [row for row in rows if row.get("reachable")]
    if not reachable:
        return "no node answers"
    leaders = [row for row in reachable if row.get("role") == "leader"]
    if not leaders:
        return "no leader"
    leader = max(leaders, key=lambda row: int(row["term"]))
    return printable(f"{leader['node']} leads, term {leader['term']}")
