"""
Write the schemas from the models, and docs/reference.md from the schemas: every field, with what it may hold.

Run it with `make docs`, or `python -m docs.generate`. The models are the law, so nothing of it is edited by hand.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from msgflash_apply import limits
from msgflash_apply.files.bounded import BOUNDS
from msgflash_apply.models.schema import GENERATED, generated_text

Schema: TypeAlias = Mapping[str, object]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference.md"
OPENING = """\
# Reference: what files may hold

<!-- Written by docs/generate.py from msgflash_apply/models; change those, then run `make docs`. -->

`msgflash-apply schema campaign`, `schema template` and `schema project` print the JSON Schemas that this page is made
from. An editor that knows the YAML language server checks a file as you type, once
`# yaml-language-server: $schema=...` is its first line; `msgflash-apply init` writes such lines. A field that is not
named here is an error.

In campaign files a value may also be a template, such as `{{ custom.vip_tags }}`. It is rendered first, and what comes
out must fit the table. Keys are never rendered, and neither are `key` and the values of `custom`. In template
files the same variables are `{{ local.vip_tags }}`: there `{{ custom.code }}` is filled in by MsgFlash, with the
`variables` of each campaign, as `{{ contact.firstName }}` is.
"""
PARTS = (
    ("campaign", "A campaign", "campaigns/**/*.yaml", ("recipients", "audience", "button", "lifecycle")),
    ("template", "A message template", "templates/**/*.yaml", ("lifecycle",)),
    ("project", "The project", "msgflash.yaml", ("environment", "defaults", "policy", "api")),
)
CLOSING = """
## Which files are read and written

A branch of a stranger decides what is in the repo, so nothing there leads out of it.

- **`campaigns` and `templates`**, and every folder on the way to them: folders within the repo, neither within the
  other. Links to folders are not followed.
- **msgflash.yaml, campaign and template files**: a link may lead to a file of the repo that is not hidden, and nowhere
  else.
- **`--var-file FILE`**: the same, for a file of the repo. A path that leads elsewhere by itself is yours to choose,
  such as `/run/secrets/prices.yaml`, `../prices.yaml` or `<(..)`.
- **`state`**: a path within the repo, links followed, or a URL of a [storage](state.md). `.git` is not part of the
  repo. A path elsewhere is given as `MSGFLASH_STATE`.
- **`state_key_file`**: a path elsewhere (absolute, or with `..`); or within the repo, and then no link that leads
  out. What is in it is never shown.
- **`--output`, `--out` and recovery files** are written beside their place with mode 0600, and put there in one step.
  A link in their place is replaced; a folder of the repo that is a link out is refused. Pipes and devices, such as
  `/dev/stdout`, are written to as they are. `--output -` prints.
- **What `fmt`, `import --generate` and `init` write** likewise, with the mode that the file has, or that new files
  have.

## What reports hide, and what they show

**Hidden**, as `[redacted]`, in reports, logs, errors and reports of bugs: the secrets of this process, by value, in
every spelling that is usual (plain, in a URL, in JSON, in base64). They are what these variables hold, and the files
of `MSGFLASH_API_KEY_FILE` and `state_key_file`:

- `MSGFLASH_API_KEY`, `MSGFLASH_STATE_KEY`
- `TF_HTTP_PASSWORD`, `TF_HTTP_CLIENT_PRIVATE_KEY_PEM`, `CI_JOB_TOKEN`, `PGPASSWORD`
- `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_CONTAINER_AUTHORIZATION_TOKEN`
- keys, tokens and secrets among the [variables of Azure and Google](state.md)
- the password in `MSGFLASH_STATE`, in an address of a state or a storage, and in `HTTPS_PROXY` and its like; and the
  values in the query of such an address

A secret of 16 characters or more, or of 8 with a letter and a digit among them, is hidden wherever it is. A shorter
or plainer one, such as `postgres`, is hidden where it is a credential: before the `@` of a URL, and in a `Basic`
header.

**Shown**, always: the text of campaigns, whatever it looks like. `authorization: https://..` and
`https://user:secret@cdn.example.com/a.jpg` go out to people as written, and so a plan shows them as written. A key of
MsgFlash in a file is an error instead (MF105). In log lines of libraries (`--log-level debug`), the values of headers
such as `authorization` are hidden too.

**Shown as escapes**, `\\u200b`: control characters, and characters that cannot be seen or turn text around (Unicode's
`Default_Ignorable_Code_Point`, and blanks such as U+2800). An emoji's own selector and joiners stay, and so do
joiners between letters of scripts that need them (Arabic, those of India and others). In names (of files, folders,
maps' entries) and in labels such characters are errors that name them.
"""


def spaced(number: int) -> str:
    """Write a number as people read it."""
    return f"{number:,}".replace(",", " ")


LIMITS = """
## Limits

No honest repo meets one of these. What exceeds a limit is an error that names it (MF109, MF110, MF206), and the other
files are read. Time and memory are bounded by the operating system: files are read in child processes. Where the system
has no `fork` (Windows), wall-clock time is all that is bounded.

"""
ROWS = (
    ("size of a file", f"{limits.MAX_FILE_BYTES // 1024} KiB"),
    ("files of campaigns and templates", spaced(limits.MAX_FILES)),
    ("documents in a file", spaced(limits.MAX_DOCUMENTS)),
    ("values in a file, aliases counted as what they bring in", spaced(limits.MAX_VALUES)),
    ("maps and lists inside each other", spaced(limits.MAX_LEVELS)),
    ("entries of a `for_each`", spaced(limits.MAX_ENTRIES)),
    ("campaigns and templates in all", spaced(limits.MAX_CAMPAIGNS)),
    ("environments", str(limits.MAX_ENVIRONMENTS)),
    ("a rendered text", f"{spaced(limits.MAX_TEXT)} characters"),
    ("findings shown", spaced(limits.MAX_FINDINGS)),
    ("processor time for a file", f"{BOUNDS.cpu_seconds} s"),
    ("time for a file without progress", f"{BOUNDS.wall_seconds:g} s"),
    ("memory for a file", f"{BOUNDS.memory_bytes // 1024**2} MiB"),
    ("campaigns of a file, as data", f"{BOUNDS.result_bytes // 1024**2} MiB"),
    ("processor time for all files", f"{BOUNDS.total_cpu_seconds} s"),
    ("campaigns of all files, as data", f"{BOUNDS.total_result_bytes // 1024**2} MiB"),
    ("files that take too much, before the rest is left unread", str(BOUNDS.failures)),
)
HEAD = "| Field | Value | Meaning |\n|---|---|---|\n"
TYPES = {
    "array": "a list",
    "boolean": "`true` or `false`",
    "integer": "a whole number",
    "null": "empty",
    "number": "a number",
    "object": "a map",
    "string": "a text",
}
SIZES = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "minProperties": "at least {}",
    "maxProperties": "at most {}",
}
EXPRESSION = "#/$defs/expression"


def reference() -> str:
    """Make the whole page."""
    closing = CLOSING + LIMITS + "".join(_limits())
    return OPENING + "".join(_part(*part) for part in PARTS) + closing


def _limits() -> Iterator[str]:
    yield "| Limit | Most |\n|---|---|\n"
    yield from (f"| {what} | {value} |\n" for what, value in ROWS)


def _part(name: str, title: str, place: str, sections: tuple[str, ...]) -> str:
    schema = json.loads((ROOT / f"schemas/{name}.schema.json").read_text(encoding="utf-8"))
    definitions = schema["$defs"]
    parts = [f"\n## {title}\n\nIn `{place}`. {schema['description']}\n\n{_section(schema, definitions)}"]
    parts += [
        f"\n### {definitions[section]['title']}\n\n{_section(definitions[section], definitions)}"
        for section in sections
    ]
    return "".join(parts)


def _section(schema: Schema, definitions: Schema) -> str:
    return _table(schema, definitions) + _needs(_map(schema.get("else", schema)))


def _table(schema: Schema, definitions: Schema) -> str:
    required = cast("list[str]", schema.get("required", []))
    rows = [
        f"| `{name}`{', required' * (name in required)} | {_value(_map(field), definitions)} "
        f"| {_meaning(_map(field), definitions)} |\n"
        for name, field in _map(schema["properties"]).items()
    ]
    return HEAD + "".join(rows)


def _needs(schema: Schema) -> str:
    """Say which fields each kind needs, where a section has kinds."""
    lines = []
    for rule in cast("list[Schema]", schema.get("allOf", [])):
        kind = _map(_map(_map(rule["if"])["properties"])["type"])["const"]
        needed = cast("list[str]", _map(rule["then"]).get("required", []))
        lines.append(f"- `{kind}` needs {', '.join(f'`{name}`' for name in needed) or 'nothing more'}.\n")
    return "\n" + "".join(lines) if lines else ""


def _value(field: Schema, definitions: Schema) -> str:
    """Say what a field may hold."""
    told = " or ".join(dict.fromkeys(_kinds(field, definitions)))
    places = [field, _target(field, definitions), *cast("list[Schema]", field.get("anyOf", []))]
    default = next((place["default"] for place in places if "default" in place), None)
    return told if default is None else f"{told}; default `{_spelled(default)}`"


def _kinds(field: Schema, definitions: Schema) -> Iterator[str]:
    """Tell each kind of value, templates left out: the page says once that they go everywhere."""
    for choice in cast("list[Schema]", field.get("anyOf", [])):
        is_offered = choice.keys() != {"type", "pattern"}  # `noe` is taken, and not offered
        if choice.get("$ref") != EXPRESSION and is_offered:
            yield from _kinds(choice, definitions)
    if "$ref" in field:
        target = _target(field, definitions)
        title = str(target["title"])
        yield _link(title) if "properties" in target else _sized(field, title[0].lower() + title[1:])
    elif "enum" in field:
        yield ", ".join(f"`{_spelled(value)}`" for value in cast("list[object]", field["enum"]) if value is not None)
    elif "type" in field:
        types = field["type"] if isinstance(field["type"], list) else [field["type"]]
        yield from (TYPES["null"] if kind == "null" else _sized(field, TYPES[str(kind)]) for kind in types)


def _link(title: str) -> str:
    return f"a map: [{title}](#{title.lower().replace(' ', '-')})"


def _sized(field: Schema, told: str) -> str:
    sizes = [words.format(field[name]) for name, words in SIZES.items() if name in field]
    if "properties" in field:
        told += " of " + ", ".join(f"`{name}`" for name in _map(field["properties"]))
    return ", ".join([told, *sizes])


def _meaning(field: Schema, definitions: Schema) -> str:
    """Say what a field is for, with an example where the schema has one."""
    target = _target(field, definitions)
    told = [f"{str(field.get('title') or target.get('title', '')).rstrip('.')}.", str(field.get("description", ""))]
    examples = cast("list[object]", field.get("examples") or target.get("examples") or [])
    if examples:
        told.append("For example " + ", ".join(f"`{_spelled(example)}`" for example in examples) + ".")
    # A bar would end the cell.
    return " ".join(part for part in told if part).replace("|", "\\|")


def _target(field: Schema, definitions: Schema) -> Schema:
    """Follow a reference; an empty schema where there is none."""
    reference_ = str(field.get("$ref", ""))
    return _map(definitions[reference_.rpartition("/")[2]]) if reference_ else {}


def _map(value: object) -> Schema:
    return cast("Schema", value)


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    for generated in GENERATED:
        (ROOT / f"schemas/{generated}.schema.json").write_text(generated_text(generated), encoding="utf-8")
    PAGE.write_text(reference(), encoding="utf-8")
