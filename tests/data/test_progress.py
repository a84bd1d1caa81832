from vae_tui.data.progress import paced


def test_ends_of_stages_always_come_through_and_the_middle_is_thinned() -> None:
    said: list[tuple[str, int, int | None]] = []
    report = paced(lambda *word: said.append(word), interval_seconds=3600)
    for stage in ("downloading", "decoding"):
        for done in range(101):
            report(stage, done, 100)
    assert said == [("downloading", 0, 100), ("downloading", 100, 100), ("decoding", 0, 100), ("decoding", 100, 100)]


def test_nothing_is_thinned_without_an_interval() -> None:
    said: list[int] = []
    report = paced(lambda stage, done, total: said.append(done), interval_seconds=0)
    for done in range(10):
        report("decoding", done, None)
    assert said == list(range(10))
