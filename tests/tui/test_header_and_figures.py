"""The first line of the training screen, and the figures with charts that are chosen there."""

from __future__ import annotations

from typing import Any

from vae_tui.runs.layout import Run


async def test_where_the_header_is_short_the_verdict_goes_before_the_name(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    for _ in range(8):
        trainer.train_epoch()
    trainer.finish("completed")
    async with show(run, (120, 40)) as shown:
        first = shown.text.splitlines()[0]
        assert first.strip().startswith(run.name)
        verdict = next(word for word in ("improving", "flat", "overfitting") if word in first)
        await shown.press("left")
        await shown.until(lambda: verdict not in shown.lines[0])  # it is of now
        await shown.press("escape")
        await shown.until(lambda: verdict in shown.lines[0])
    async with show(run, (46, 24)) as shown:
        first = shown.text.splitlines()[0]
        assert first.strip().startswith(run.name)
        assert verdict not in first
        assert "completed" in first


async def test_the_header_has_the_newest_checkpoint(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run, (160, 50)) as shown:
        assert "saved step 120" in shown.lines[0]
        trainer.train_epoch()
        await shown.until(lambda: "saved step 240" in shown.lines[0])


async def test_figures_with_a_chart_are_chosen_by_their_names(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch()
    async with show(live_run, (120, 40)) as shown:
        await shown.press("F")
        await shown.sees("learning rate")
        await shown.press(*("space" if key == " " else key for key in "beta z3 speed"), "enter")
        await shown.sees("the run has no figure 'speed'")
        await shown.press(*("backspace" for _ in " speed"), "enter")
        await shown.sees("KL of z3, nats")
        assert shown.text.count("╭─") == 3
        await shown.press("F", "enter")
        await shown.sees("images/s")
        assert "KL of z3" not in shown.text
