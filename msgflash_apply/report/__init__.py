"""
Values in, text out: what people and pipelines read about plans, applies, findings and the state.

Pure: no I/O and no clock (`now` is an argument). May import `engine` and everything below it; only `cli` imports it.
Campaign text comes from strangers, so every value passes `untrusted.shown` (or, in JSON, its own escaping) on its way
out: no secret, no escape sequence and no reordering of what a reviewer reads gets through.

Read `to_text.py` first, then `to_json.py`.
"""
