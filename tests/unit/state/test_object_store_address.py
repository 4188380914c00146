"""URLs of states in buckets."""

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.object_store.clouds import ObjectAddress, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket/production", ObjectAddress("s3", "bucket", "production")),
        ("gs://my-bucket.example.com/a/b/", ObjectAddress("gs", "my-bucket.example.com", "a/b")),
        ("AZ://states/.msgflash/team=a@b+c", ObjectAddress("az", "states", ".msgflash/team=a@b+c")),
        ("s3://bucket///production//", ObjectAddress("s3", "bucket", "production")),
    ],
)
def test_bucket_and_folder_are_taken_apart(url: str, address: ObjectAddress) -> None:
    """A bucket and a folder are all that a URL holds; slashes around the folder do not count."""
    assert parse_address(url) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket",
        "s3://bucket/",
        "s3:///folder",
        "s3://c4nary:secret@bucket/folder",
        "s3://bucket:9000/folder",
        "s3://bucket/folder?X-Amz-Signature=c4nary",
        "s3://bucket/folder#c4nary",
        "s3://bucket/../c4nary",
        "s3://bucket/a/./b",
        "s3://bucket/a//b",
        "s3://bucket/a%2Fb",
        "s3://bucket/a b",
        "s3://bucket/caf\u00e9",
        "s3://bucket/a\nb",
        "s3://-/c4nary",
        "s3://evil.example/\\folder",
    ],
)
def test_everything_else_is_refused_unrepeated(url: str) -> None:
    """A URL that holds more, or less, is refused with what is allowed, and not one word of it is repeated."""
    with pytest.raises(BackendError, match="holds a bucket and a folder, and nothing else") as caught:
        parse_address(url)

    assert "s3://BUCKET/FOLDER" in caught.value.fix
    assert "c4nary" not in str(caught.value)
