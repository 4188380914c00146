"""From the URL of a state in a bucket to its backend. Loads the library only then."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, cast

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.object_store.address import ObjectAddress, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from msgflash_apply.state.backends.base import Location
    from msgflash_apply.state.backends.object_store.objects import Objects

_CLOUDS: Final = {"s3": ("s3", ("obstore", "boto3")), "gs": ("gcs", ("obstore",)), "az": ("azure", ("obstore",))}
"""By scheme: the module, which is named as its extra, and the libraries that it needs."""

_HERE: Final = __name__.rpartition(".")[0]


def open_object_store(location: "Location") -> Backend:
    """
    Open a state at s3://, gs:// or az://. Sends nothing yet.

    A URL that a branch wrote chooses a bucket and a folder of the cloud, the account and the endpoint that the
    environment names, and so no one else who could get a secret.

    Raises:
        BackendError: the URL holds more than a bucket and a folder, a library is missing, or the environment's settings
            cannot be used.
    """
    address = parse_address(location.url)
    cloud, libraries = _CLOUDS[address.scheme]
    if not all(map(find_spec, libraries)):
        raise BackendError(
            "A library is missing.",
            f"States at {address.scheme}:// need {' and '.join(libraries)}.",
            f"Install them:\n    pip install 'msgflash-apply[{cloud}]'",
        )
    connect = cast("Callable[[ObjectAddress, Mapping[str, str]], Objects]", import_module(f"{_HERE}.{cloud}").connect)
    backend = import_module(f"{_HERE}.backend").ObjectStoreBackend
    return cast("Backend", backend(connect(address, location.environ)))
