"""A local STAC archive of real parts: rustac's server for the search, an HTTP server with ranges for the files.

The files are made from the sample's scene. Faults are put between: every answer can be late, refused, cut, or somebody else's.
What only real archives can show is in UNVERIFIED.md; `verify` asks them (`make try-stac`).
"""
