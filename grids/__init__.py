"""What to run: grid files and the cells they stand for. Torch-free.

A grid file (YAML) becomes cells in this order, one module per step:

- `reading` parses the file into nodes that know their line; `scalars` says what a plain word means;
  `overrides` adds what `--set` asks for.
- `document` checks the grammar: base, axes and zip (`factors`), include, exclude, seeds; `fields`
  says what a key names.
- `checking` compares each written value with the `catalogue` of what may be written (`options`
  describes one option, `recipe` the training recipe).
- `resolving` merges the values that meet in one cell; `expansion` multiplies them out; `excluding`
  removes what the rules of `comparisons` name; `unused` finds what was written for nothing.
- `grid` ties the steps together; `cell` is the result: one frozen point with its content id.

`artifacts` and `probes` read what a grid asks for beside its cells; neither is a part of a cell.
`finding` knows the shipped studies, `schema` writes the JSON schema for editors.
Every mistake ends as a `problems.Problem`: where, what was given, what is allowed, nearest match.
Import the modules directly; this file stays empty so that importing `grids.cell` costs nothing.
"""
