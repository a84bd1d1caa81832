"""Opens GNOME's terminal with a program in it, by the Python of the system, which has its libraries.

/usr/bin/python3 vte_window.py FONT COLUMNS ROWS PROGRAM...
"""

import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Vte", "2.91")
from gi.repository import GLib, Gtk, Pango, Vte  # noqa: E402

font, columns, rows, *program = sys.argv[1:]
terminal = Vte.Terminal()
terminal.set_font(Pango.FontDescription(font))
terminal.set_size(int(columns), int(rows))
terminal.spawn_async(Vte.PtyFlags.DEFAULT, None, program, None, GLib.SpawnFlags.SEARCH_PATH, None, None, -1, None, None)
window = Gtk.Window()
window.add(terminal)
window.show_all()
Gtk.main()
