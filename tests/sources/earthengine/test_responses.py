"""What a response means."""

import numpy as np
import pytest

from seedbed.sources.earthengine.responses import classify_response
from seedbed.sources.earthengine.sensors import catalogue
from seedbed.sources.earthengine.spec import Spec
from seedbed.sources.fetching.outcomes import (
    ChipFailed,
    ExportStopped,
    RateLimited,
    Retry,
    TooLarge,
    retry_after,
)
from tests.servers.earthengine.faults import Fault
from tests.servers.earthengine.server import LAYOUTS
from tests.sources.earthengine.test_sensors import chip
from tests.support.earthengine import TINY, exported


@pytest.mark.slow
def test_a_wish_to_wait_is_granted(service, make):
    server = service(
        fault=lambda number, body: (
            Fault("busy", headers={"Retry-After": "1"}) if len(server.asked) == 1 else None
        )
    )
    exported(make(3, **TINY | {"earthengine.workers": 1}))
    asked = [entry["time"] for entry in server.asked]
    assert len(asked) >= 4 and asked[-1] - asked[0] >= 1
    assert retry_after("7") == 7 and retry_after(None) == 0 == retry_after("soon")


CONSUMER = (
    "Caller does not have required permission to use project my-proj. Grant the caller the "
    "roles/serviceusage.serviceUsageConsumer role, or a custom role with the "
    "serviceusage.services.use permission"
)
DISABLED = "Google Earth Engine API has not been used in project 123 before or it is disabled."
GONE = "ImageCollection asset 'a/b' not found (does not exist or caller does not have access)."
DENIED = "Permission 'earthengine.computations.create' denied on resource 'projects/my-proj'"


@pytest.mark.parametrize(
    "status,message,kind,advice",
    [
        (400, "Total request size (56623104 bytes) must be less than or equal", TooLarge, ""),
        (400, "User memory limit exceeded.", TooLarge, ""),
        (400, "Computation timed out.", TooLarge, ""),
        (400, "Deadline exceeded", TooLarge, ""),
        (504, "Deadline exceeded.", Retry, ""),
        (400, "Earth Engine memory capacity exceeded.", Retry, ""),
        (429, "Too many concurrent aggregations.", RateLimited, ""),
        (400, "Image.select: Parameter 'input' is required", ChipFailed, ""),
        (400, f"ImageCollection.load: {GONE}", ExportStopped, "correct its id"),
        (400, "Image.load: Asset 'a/b' is not an Image.", ExportStopped, "static mosaic"),
        (403, CONSUMER, ExportStopped, "Service Usage Consumer"),
        (403, DISABLED, ExportStopped, "apis/library/earthengine"),
        (403, DENIED, ExportStopped, "Earth Engine Resource Writer"),
        (403, "Request had insufficient authentication scopes.", ExportStopped, "--scopes="),
        (403, "Project 'p' is not registered to use Earth Engine.", ExportStopped, "register the"),
        (401, "Request had invalid authentication credentials.", ExportStopped, "authenticate"),
    ],
)
def test_every_refusal_has_its_advice(status, message, kind, advice):
    """Words of the service, as its users have quoted them."""
    error = classify_response(status, message)
    assert type(error) is kind and advice in str(error) and message[:30] in str(error)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_answer_may_have_any_layout(service, layout):
    """Tiles or strips, pixels or bands together, names or none: the numbers are the same, to the last bit."""
    spec = Spec((catalogue()["sentinel2"], catalogue()["era5"]), steps=2, size=40)
    found = []
    for kind in ("plain", layout):
        service(layout=kind)
        found.append(chip(spec, (36.82, -1.29), "2021-03-01"))
    for name, values in found[0].items():
        np.testing.assert_array_equal(values, found[1][name], err_msg=name)
