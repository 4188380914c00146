"""
Files -> desired state: what campaign and template files and msgflash.yaml say, or every mistake in them.

May import `models` and what is below it; knows neither the API nor any state. Read `load.py` first (the way of a file
from bytes to campaigns and templates), then `expand.py` (one document -> what is in it), `templating.py` (how
`{{ custom.x }}` becomes text) and `settings.py` (what holds for a whole run).

Three rules span the package. Mistakes are `Finding` values with a path into their document; its tree (`yaml_tree.py`)
knows the place. Each library has one door: PyYAML in `yaml_events.py`, jinja2 in `templating.py` and
`template_language.py`. And every file may come from a stranger: what is in it is looked at in children alone
(`bounded.py`), and nothing in it reaches outside the repo.
"""
