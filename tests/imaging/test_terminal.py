import pytest

from vae_tui.imaging.replies import Answers, ReplyFilter, understand
from vae_tui.imaging.terminal import ask_terminal, detect_colors, find_multiplexer, judge_terminal
from vae_tui.imaging.tmux import Attached, Tmux


@pytest.mark.parametrize(
    ("environment", "colors"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "screen-256color", "COLORTERM": "24bit"}, "truecolor"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color", "COLORTERM": ""}, "256"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "vt100"}, "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": ""}, "truecolor"),
        ({}, "none"),
    ],
)
def test_the_environment_tells_what_the_terminal_shows(environment: dict[str, str], colors: str) -> None:
    assert detect_colors(environment) == colors


XTERM = {"TERM": "xterm-256color"}


def test_before_an_answer_there_are_only_characters() -> None:
    assert judge_terminal(XTERM).modes == ("half", "ascii")
    assert judge_terminal({"TERM": "vt100"}).modes == ("ascii", "half")
    assert judge_terminal(XTERM | {"NO_COLOR": "1"}).modes == ("ascii", "half")


@pytest.mark.parametrize(
    ("answers", "modes"),
    [
        (Answers(complete=True, kitty=True, attributes=(62,)), ("kitty", "half", "ascii")),
        (Answers(complete=True, attributes=(62, 4)), ("sixel", "half", "ascii")),
        (Answers(complete=True, kitty=True, attributes=(62, 4)), ("kitty", "sixel", "half", "ascii")),
        (Answers(complete=True, attributes=(1, 2)), ("half", "ascii")),
        (Answers(complete=True, name="VTE(7803)", attributes=(1,)), ("octant", "sextant", "quadrant", "half", "ascii")),
        (
            Answers(complete=True, name="foot(1.13.1)", attributes=(4,)),
            ("sixel", "sextant", "quadrant", "half", "ascii"),
        ),
        (
            Answers(complete=True, kitty=True, name="Konsole 25.04.2", attributes=(62, 1, 4)),
            ("kitty", "sextant", "quadrant", "half", "ascii"),
        ),
        (Answers(complete=True, kitty=True, name="tmux 3.4", attributes=(1, 2, 4)), ("sixel", "half", "ascii")),
    ],
)
def test_answers_tell_the_best_way_to_draw(answers: Answers, modes: tuple[str, ...]) -> None:
    assert judge_terminal(XTERM, answers).modes == modes


@pytest.mark.parametrize(
    ("environment", "multiplexer"),
    [
        ({"TERM": "tmux-256color"}, "tmux"),
        ({"TERM": "xterm", "TMUX": "/tmp/tmux,1,0"}, "tmux"),
        ({"TERM": "screen.xterm-256color"}, "screen"),
        ({"TERM": "screen", "TMUX": "/tmp/tmux,1,0"}, "tmux"),
        ({"TERM": "xterm", "STY": "123.pts"}, "screen"),
        ({"TERM": "xterm"}, ""),
    ],
)
def test_multiplexers_are_recognised(environment: dict[str, str], multiplexer: str) -> None:
    assert find_multiplexer(environment) == multiplexer
    kitty = Answers(complete=True, kitty=True)
    assert ("kitty" in judge_terminal(environment, kitty).modes) == (not multiplexer)


KITTY = Attached("kitty(0.41.1)", frozenset({"RGB"}))
FOOT = Attached("foot(1.20.2)", frozenset({"RGB", "sixel"}))
OLD = Attached("kitty(0.26.5)", frozenset())
STRANGER = Attached("", frozenset())
KONSOLE = Attached("Konsole 25.04.2", frozenset({"sixel"}))


@pytest.mark.parametrize(
    ("terminals", "passes", "modes", "colors"),
    [
        ((KITTY,), True, ("kitty", "sextant", "quadrant", "half", "ascii"), "truecolor"),
        ((KITTY,), False, ("sextant", "quadrant", "half", "ascii"), "truecolor"),
        ((FOOT,), True, ("sixel", "sextant", "quadrant", "half", "ascii"), "truecolor"),
        ((KONSOLE,), True, ("sextant", "quadrant", "half", "ascii"), "256"),
        ((KITTY, FOOT), True, ("sextant", "quadrant", "half", "ascii"), "truecolor"),
        ((OLD,), True, ("sextant", "quadrant", "half", "ascii"), "256"),
        ((KITTY, STRANGER), True, ("half", "ascii"), "256"),
        ((), True, ("half", "ascii"), "256"),
    ],
)
def test_inside_tmux_pictures_are_what_all_terminals_around_it_show(
    terminals: tuple[Attached, ...], passes: bool, modes: tuple[str, ...], colors: str
) -> None:
    inside = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0"}
    answers = Answers(complete=True, name="tmux 3.5a", attributes=(1, 2, 4))
    found = judge_terminal(inside, answers, None, Tmux(terminals, passes, "11"))
    assert (found.modes, found.colors) == (modes, colors)


@pytest.mark.parametrize(
    ("reply", "modes", "why"),
    [
        (b"\x1b[3;21R", ("octant", "sextant", "quadrant", "half", "ascii"), "foot(1.20.2) draws them itself"),
        (
            b"\x1b[1;20R",
            ("sextant", "quadrant", "half", "ascii"),
            "tmux drops them: its C library is older than they are",
        ),
        (b"", ("sextant", "quadrant", "half", "ascii"), "tmux has not said whether it keeps them"),
    ],
    ids=["kept", "dropped", "silent"],
)
def test_inside_tmux_octants_are_for_those_that_keep_them(reply: bytes, modes: tuple[str, ...], why: str) -> None:
    inside = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0"}
    asked = ask_terminal(inside)
    assert asked.count("\U0001cd01") == 1
    assert asked.index("\x1b[6n") < asked.index("\x1b[c"), "the last answer is the last to come"
    assert "\x1b[6n" not in ask_terminal(XTERM)
    assert "\x1b[6n" not in ask_terminal(inside | {"LC_ALL": "de_DE.ISO-8859-1"})
    replies = ReplyFilter()
    replies.ask(0.0)
    assert replies.feed(b"a" + reply + b"\x1bP>|tmux 3.5a\x1b\\\x1b[?1;2cb", 0.1) == b"ab"
    foot = Attached("foot(1.20.2)", frozenset())
    found = judge_terminal(inside, replies.answers, None, Tmux((foot,), False, "11"))
    assert (found.modes, found.why["octant"]) == (modes, why)


def test_f3_with_modifiers_is_no_report_of_a_cursor() -> None:
    replies = ReplyFilter()
    replies.ask(0.0)
    assert replies.feed(b"\x1b[1;2R\x1b[1;16R", 0.1) == b"\x1b[1;2R\x1b[1;16R"
    assert replies.answers.octants is None


def test_a_tmux_that_has_not_answered_yet_is_sent_no_sixels() -> None:
    answers = Answers(complete=True, name="tmux 3.5a", attributes=(1, 2, 4))
    assert judge_terminal({"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0"}, answers).modes == ("half", "ascii")
    assert judge_terminal({"TERM": "tmux-256color"}, answers).modes == ("sixel", "half", "ascii"), "tmux is elsewhere"


def test_multiplexers_are_sent_no_strings_and_plain_terminals_nothing() -> None:
    assert ask_terminal(XTERM).startswith("\x1b_G")
    assert ask_terminal(XTERM).endswith("\x1b[c")
    for environment in ({"TERM": "tmux-256color"}, {"TERM": "screen"}, XTERM | {"TERM_PROGRAM": "Apple_Terminal"}):
        asked = ask_terminal(environment)
        assert "\x1b_" not in asked
        assert "\x1bP" not in asked
        assert asked.endswith("\x1b[c")
    for environment in ({"TERM": "dumb"}, {}, {"NO_COLOR": "1"}):
        assert ask_terminal(environment) == ""


def test_without_colours_a_terminal_only_says_how_far_away_it_is() -> None:
    plain = XTERM | {"NO_COLOR": "1"}
    assert ask_terminal(plain) == "\x1b[c"
    assert judge_terminal(plain, Answers(complete=True, attributes=(62, 4))).modes == ("ascii", "half")


def test_colours_are_more_once_the_terminal_says_so() -> None:
    exact = Answers(complete=True, truecolor=True)
    assert judge_terminal(XTERM).colors == "256"
    assert judge_terminal(XTERM, exact).colors == "truecolor"
    assert judge_terminal(XTERM | {"NO_COLOR": "1"}, exact).colors == "none"


def test_mosaics_are_for_colours_and_unicode() -> None:
    vte = Answers(complete=True, name="VTE(7803)", attributes=(1,))
    assert judge_terminal(XTERM | {"NO_COLOR": "1"}, vte).modes == ("ascii", "half")
    assert judge_terminal(XTERM | {"LC_ALL": "de_DE.ISO-8859-1"}, vte).modes == ("ascii",)
    assert judge_terminal(XTERM, vte).why["octant"] == "VTE(7803) draws them itself"
    assert judge_terminal(XTERM, Answers(name="XTerm(379)")).why["octant"] == "XTerm(379) is not known to draw them"
    assert judge_terminal(XTERM).why["octant"] == "the terminal has not said its name"


def test_sizes_no_screen_has_are_not_believed() -> None:
    for answers in (Answers(complete=True, text_area=(32_000, 32_000)), Answers(complete=True)):
        assert judge_terminal({"TERM": "xterm"}, answers, (1, 1, 60_000, 60_000)).cell is None
    for answer in (b"\x1b[6;99999999;99999999t", b"\x1b[4;999999999;9999999999t"):
        assert understand(Answers(), answer) == Answers()


def test_the_size_of_a_cell_is_said_or_worked_out() -> None:
    window = (24, 80, 0, 0)
    assert judge_terminal(XTERM, Answers(complete=True, cell=(18, 9)), window).cell == (18, 9)
    assert judge_terminal(XTERM, Answers(complete=True, text_area=(480, 800)), window).cell == (20, 10)
    assert judge_terminal(XTERM, None, (24, 80, 432, 720)).cell == (18, 9)
    assert judge_terminal(XTERM, None, window).cell is None
