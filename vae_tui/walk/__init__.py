"""A walk without a screen: what one does in it, what is seen of it, and the process that decodes. No torch, no Textual.

`session` is the way in; `recorded` and `paths` serve the command line too.
"""
