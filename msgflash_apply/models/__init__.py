"""
What may be in a file: the project file as values, the published schemas, a campaign's fields and their wire names.

May import `campaign`, `findings` and `errors`. Read `campaign_file.py` first (from checked fields to the payload), then
`schema.py` (is the shape right: which fields a type needs, how long they may be) and `explain.py` (what to write
instead). Defaults are where the values are: `Lifecycle` in `campaign.py`, `Policy` and `Settings` in `project.py`.
jsonschema-rs stays behind `schema.py`.
"""
