"""The home of every published figure: one file a table, run by `python -m engines bench NAME`."""
