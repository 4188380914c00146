"""
What SARIF 2.1.0 demands of a log such as ours, written as a schema of its own: no more than we use may be in it.

The numbers are sections of the OASIS standard. Its own JSON schema is laxer where it matters: it takes any property.
"""

import re
from functools import cache

import jsonschema_rs

TEXT = {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]}
FROM_ONE = {"type": "integer", "minimum": 1}
RELATIVE_URI = re.compile(r"(?![A-Za-z][A-Za-z0-9+.-]*:)(?:[A-Za-z0-9._~!$&'()*+,;=@/:-]|%[0-9A-F]{2})+")

REGION = {  # 3.30: lines and columns from 1
    "type": "object",
    "properties": {"startLine": FROM_ONE, "startColumn": FROM_ONE},
    "required": ["startLine"],
    "additionalProperties": False,
}
ARTIFACT = {  # 3.4: a relative reference (RFC 3986) below a base that the run declares
    "type": "object",
    "properties": {"uri": {"type": "string"}, "uriBaseId": {"const": "%SRCROOT%"}},
    "required": ["uri", "uriBaseId"],
    "additionalProperties": False,
}
LOCATION = {  # 3.28, 3.29, 3.33
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "properties": {"artifactLocation": ARTIFACT, "region": REGION},
            "required": ["artifactLocation"],
            "additionalProperties": False,
        },
        "logicalLocations": {
            "type": "array",
            "items": {"type": "object", "properties": {"fullyQualifiedName": {"type": "string"}}},
        },
    },
    "required": ["physicalLocation"],
    "additionalProperties": False,
}
RESULT = {  # 3.27
    "type": "object",
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": LOCATION, "minItems": 1},
    },
    "required": ["message", "locations"],  # code scanning refuses a result without a place
    "additionalProperties": False,
}
RULE = {  # 3.49: the id is stable, the name an identifier
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]+$"},
        "shortDescription": TEXT,
        "help": TEXT,
    },
    "required": ["id"],
    "additionalProperties": False,
}
DRIVER = {  # 3.19
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "informationUri": {"type": "string", "format": "uri"},
        "rules": {"type": "array", "items": RULE, "uniqueItems": True},
    },
    "required": ["name"],
    "additionalProperties": False,
}
RUN = {  # 3.14
    "type": "object",
    "properties": {
        "tool": {"type": "object", "properties": {"driver": DRIVER}, "required": ["driver"]},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "originalUriBaseIds": {"type": "object", "additionalProperties": {"type": "object"}},
        "results": {"type": "array", "items": RESULT},
    },
    "required": ["tool", "results"],
    "additionalProperties": False,
}
LOG = {  # 3.13
    "type": "object",
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN},
    },
    "required": ["version", "runs"],
    "additionalProperties": False,
}


def assert_is_sarif(document: dict[str, object]) -> None:
    """Assert the shape, and what a schema cannot say: indexes lead to their rule, URIs are relative references."""
    _validator().validate(document)
    runs = document["runs"]
    assert isinstance(runs, list)
    for run in runs:
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert "ruleIndex" not in result or rules[result["ruleIndex"]]["id"] == result["ruleId"]
            for location in result.get("locations", ()):
                assert RELATIVE_URI.fullmatch(location["physicalLocation"]["artifactLocation"]["uri"])


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(LOG, validate_formats=True)
