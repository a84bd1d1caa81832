"""Terminal graphics: how frames and pictures get to a real terminal, and the one place that knows private names of Textual.

- `app`: `PictureApp`, which chooses how pictures are drawn and sends what Textual composed.
- `driver`, `output`, `pace`: the terminal's input and its answers, the thread that writes, and how fast it may.
- `frame`: an update of Textual as bytes, no cell and no color written twice.
- `painters`: pictures that the terminal draws itself, by kitty's protocol and by sixel.

No other module of the package uses a name that Textual, Rich or plotext keep private: a test looks for them. Here these
are relied on, each held by a test that fails with a sentence which names it:

- `textual._compositor`: `CompositorUpdate`, `LayoutUpdate` and `ChopsUpdate`, what Textual composes for a frame. Their
  spans, strips and chops are encoded anew, because Textual's own bytes write cells that did not change and set every color
  anew, and a picture of half blocks over a slow line waits for each of them. Nothing public hands out a frame before it
  is bytes.
- `App._display`: overridden, since every frame goes through it and through nothing public. Textual still decides in it
  whether a frame is sent at all; ours is put together only then.
- `Screen._compositor`, `Screen._dirty_widgets`, `Compositor.update_widgets`, `Compositor._dirty_regions` and
  `Screen._compositor_refresh`: when a line that was busy is free again, just the cells it is owed are composed, and at once. `Screen.refresh(*regions)` would do so at the next tick of
  Textual's clock, a sixtieth of a second later.
- `textual._xterm_parser`: `XTermParser`, which makes keys and clicks of what is typed. The driver reads the terminal
  itself, to take the terminal's answers out before they are taken for keys, and Textual parses nowhere else.

Of what is public but not documented, `LinuxDriver` is subclassed for `run_input_thread`, `process_message`, `fileno`,
`input_tty` and `exit_event`.
"""
