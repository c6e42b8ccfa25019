"""What is set aside for questions in flight: the disk always covers what is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.set_aside import SetAside
from instructzero.types import Usage

BOUNDS = st.builds(Usage, st.just(1), st.integers(0, 50), st.integers(0, 50), st.integers(0, 9), st.integers(0, 9))
EVENTS = st.lists(st.one_of(BOUNDS, st.sampled_from(["lose", "write", "written"])), max_size=120)


def covers(disk: Usage, bounds: list[Usage]) -> bool:
    needed = sum(bounds, Usage())
    return all(getattr(needed, name) <= getattr(disk, name) for name in Usage.__slots__)


@dataclass
class Play:
    """A run as the disk sees it: questions that are sent or wait, answers that are on their way to the disk."""

    aside: SetAside = field(default_factory=SetAside)
    disk: Usage = field(default_factory=Usage)
    sent: list[Usage] = field(default_factory=list)
    waiting: list[Usage] = field(default_factory=list)
    write: tuple[Usage, list[Usage], list[Usage]] | None = None

    def begin(self, bound: Usage) -> None:
        (self.sent if self.aside.begin(bound) else self.waiting).append(bound)

    def lose(self) -> None:
        if self.sent:
            self.aside.end(self.sent.pop())

    def begin_write(self) -> None:
        """Write half of the questions that are sent, as if they were answered."""
        if self.write is None:
            half = len(self.sent) // 2
            answered, self.sent = self.sent[:half], self.sent[half:]
            covered, self.waiting = self.waiting, []
            self.write = self.aside.next_level(answered), answered, covered

    def end_write(self) -> None:
        if self.write is not None:
            level, answered, covered = self.write
            self.write, self.disk = None, level
            self.aside.written(level)
            for bound in answered:
                self.aside.end(bound)
            self.sent += covered


@given(EVENTS)
def test_disk_covers_whatever_is_sent_before_and_after_every_write(events: list[Usage | str]) -> None:
    play = Play()
    for event in events:
        match event:
            case Usage():
                play.begin(event)
            case "lose":
                play.lose()
            case "write":
                play.begin_write()
            case _:
                play.end_write()
        if play.write is None:
            assert covers(play.disk, play.sent)
        else:  # a kill comes before the write or after it
            level, answered, _ = play.write
            assert covers(play.disk, play.sent + answered)
            assert covers(level, play.sent)


def test_nothing_stays_on_disk_when_the_last_question_ends() -> None:
    aside, bound = SetAside(), Usage(1, 40, 256)
    assert not aside.begin(bound)
    aside.written(aside.next_level())
    assert aside.next_level([bound]) == Usage()


def test_level_falls_when_few_questions_are_left() -> None:
    aside, bound = SetAside(), Usage(1, 40, 256)
    for _ in range(100):
        aside.begin(bound)
    aside.written(aside.next_level())
    for _ in range(90):
        aside.end(bound)
    assert aside.next_level([bound]).calls == 10
