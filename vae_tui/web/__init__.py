"""The screens in a browser: a server that shows them to whoever has the token, each in a process of its own."""
