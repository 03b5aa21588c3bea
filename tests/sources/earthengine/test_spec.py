"""From settings to a spec: steps, dates, and what is wrong."""

import pytest

from seedbed.sources.earthengine.spec import Spec
from seedbed.sources.fetching.spec import windows
from tests.servers.earthengine.places import make_places
from tests.support.earthengine import SMALL, TINY, bands_of, exported
from tests.support.world import refused

# --- what is in a chip ---


@pytest.mark.slow
def test_steps_of_days_and_weather_of_months(service, make):
    """Ten days from the label's date on; the weather is that of the month in which a step begins."""
    service()
    manifest, chips, _ = exported(
        make(
            make_places(1, "2021-03-25"),
            **SMALL
            | {
                "earthengine.sensors": "sentinel2, era5",
                "earthengine.step": "10 days",
                "earthengine.steps": 3,
            },
        )
    )
    temperature = [
        float(bands_of(chips["f00000"])[f"temperature_2m_t{t:02d}"][0, 0]) for t in range(3)
    ]
    assert temperature == [283, 284, 284] and manifest["layout"]["step_months"] == pytest.approx(
        10 * 12 / 365.25, abs=1e-5
    )


def test_years_are_dates(service, make):
    service()
    labels = make_places(2).assign(start=[2020, 2021])
    _, chips, _ = exported(make(labels, **TINY))
    assert [float(bands_of(c)["temperature_2m_t00"][0, 0]) for c in chips.values()] == [281, 281]
    assert windows("2020-01-01", Spec(()))[0] == ("2020-01-01", "2020-02-01")


# --- settings, and what follows ---


@pytest.mark.parametrize(
    "override,fragments",
    [
        ("earthengine.preset=cropharvst", ["did you mean 'cropharvest'"]),
        ("earthengine.sensors=sentinel-2", ["did you mean 'sentinel2'"]),
        ("earthengine.step=a week", ["earthengine.step = a week"]),
        ("earthengine.workers=100", ["less than or equal to 40"]),
        ("earthengine.orbit=sideways", ["'ascending'"]),
        ("source.labels_file=none", ["needs the path of a labels file"]),
        ("source.labels_file=gone.gpkg", ["gone.gpkg", "no such labels file"]),
        ("source.name=earthengine:x", ["write earthengine alone"]),
    ],
)
def test_what_is_wrong_in_the_settings(make, override, fragments):
    refused(lambda: exported(make(1, **TINY), override), *fragments)
