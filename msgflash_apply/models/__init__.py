"""
What may be in a file: typed models of campaigns, templates and msgflash.yaml, and all that is made from them.

The models are the only place that knows which fields exist, which go on the wire, under what name and in what order.
May import `campaign`, `findings` and `errors`. Read `campaign_file.py` first (the fields), then `explain.py` (a
document becomes a campaign, or findings), `meaning.py` (a campaign becomes a payload) and `schema.py` (editors see the
models). Models are made of `parts.py`, and `shape.py` takes them apart. `broken.py` works only where there is a
mistake.
"""
