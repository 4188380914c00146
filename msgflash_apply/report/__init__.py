"""
Values in, text out: what people and pipelines read about plans, applies, findings and the state.

Pure: no I/O and no clock (`now` is an argument). May import `operations` and everything below it; only `cli` imports
it. Campaign text comes from strangers, so every value passes `safe_text.shown` (or, in JSON, its own escaping) on its
way out: no secret, no escape sequence and no reordering of what a reviewer reads gets through.

Read `formats.py` first: it lists every format with its renderer. `wording.py` has the sentences that reports share,
`differences.py` the rows and the attribute diffs, `layout.py` widths, columns and colour.
"""
