"""The figures are those of the libraries the papers use: golden values of PySODMetrics 1.6.2 and MONAI 1.6.1 for drawn pairs.

They were computed with `normalize=False` on `levels / 255`, and with MONAI's `compute_hausdorff_distance` on the maps cut at 0.5.
"""

from __future__ import annotations

import math

import pytest

from engines.segmentation.metrics import boundary
from engines.segmentation.metrics.pair import pair
from engines.segmentation.metrics.table import judge
from tests.segmentation.drawn_pairs import drawn_pairs

TOLERANCE = 1e-10
"""Both work in double precision; what is left is the order of sums and the tiny number PySODMetrics adds to denominators."""

MONAI_TOLERANCE = 1e-6
"""Relative: MONAI keeps distances in single precision."""

NAMES = ("mae", "s_measure", "e_adaptive", "e_mean", "e_max", "f_weighted", "f_adaptive", "f_mean", "f_max")
PYSODMETRICS = {
    "soft": (
        0.21961946145236685,
        0.7005391436528794,
        0.9148332637849903,
        0.6242319548838309,
        0.9233286955494046,
        0.4407235420318661,
        0.8223086900129702,
        0.548127678129317,
        0.8309461171197506,
    ),
    "parts": (
        0.33432885499878967,
        0.43027145731467725,
        0.6516565562512877,
        0.4900779920811864,
        0.7135796436001178,
        0.28412628985104516,
        0.31851342050929116,
        0.25934476034344334,
        0.31901840490797545,
    ),
    "hard": (
        0.08571992889591151,
        0.7967461159462361,
        0.89471406546348,
        0.892195844065552,
        0.89471406546348,
        0.7608529881810726,
        0.7405457156534228,
        0.7385198839511828,
        0.7405457156534228,
    ),
    "speck": (
        0.17728921568627448,
        0.44502187938432025,
        0.2623152281462391,
        0.3753387996855485,
        0.9578813008799071,
        0.008943511052351161,
        0.016602809706257982,
        0.04179093127006406,
        0.1460674157303371,
    ),
    "wrong place": (
        0.32013182914880356,
        0.35390170600306914,
        0.6326515859238737,
        0.4153081756406378,
        0.728846037431853,
        0.15802803373705787,
        0.05226674060723693,
        0.0730772620364577,
        0.22193279988006673,
    ),
    "empty truth": (
        0.1767842827433166,
        0.8232157172566834,
        0.855393125246938,
        0.8201620221750296,
        1.0001975503753457,
        0.0,
        0.0,
        0.0,
        0.0,
    ),
    "full truth": (
        0.6186566904067572,
        0.3813433095932428,
        0.19537732121691032,
        0.3838357492097985,
        1.0001975503753457,
        0.6507877264734802,
        0.5126599944176402,
        0.6565794522287152,
        1.0,
    ),
    "empty prediction": (
        0.17993284613865299,
        0.4100335769306735,
        0.25004938759383644,
        0.2500493875938364,
        0.25004938759383644,
        0.0,
        0.22193279988006673,
        0.0008669249995315107,
        0.22193279988006673,
    ),
    "both empty": (0.0, 1.0, 0.0, 0.9962905286941919, 1.0001975503753457, 0.0, 0.0, 0.0, 0.0),
}
OURS_DIFFER = {("empty prediction", "f_adaptive"): 0.0, ("both empty", "e_adaptive"): 5063 / 5062}
"""A map of zeros alone: there its own threshold makes everything foreground, here nothing."""

MONAI = {  # percentiles 95, 100 and 50; None where one mask is empty (MONAI: nan and inf)
    "soft": (10.212677001953125, 12.369317054748535, 3.1622776985168457),
    "parts": (43.23054122924805, 45.18849563598633, 16.970561981201172),
    "hard": (7.211102485656738, 7.6157732009887695, 3.081138849258423),
    "speck": (4.200803279876709, 4.4721360206604, 2.2360680103302),
    "wrong place": (44.779457092285156, 45.27692413330078, 30.351783752441406),
    "empty truth": None,
    "full truth": (30.610456466674805, 33.0151481628418, 17.0),
    "empty prediction": None,
    "both empty": None,
}


@pytest.mark.parametrize("name", PYSODMETRICS)
def test_soft_figures_are_those_of_pysodmetrics(name: str) -> None:
    levels, truth = drawn_pairs()[name]
    found = judge(name, "", pair(levels / 255, truth)).figures
    for figure, golden in zip(NAMES, PYSODMETRICS[name], strict=True):
        wanted = OURS_DIFFER.get((name, figure), golden)
        assert found[figure] == pytest.approx(wanted, rel=0, abs=TOLERANCE), figure


@pytest.mark.parametrize("name", MONAI)
def test_hausdorff_distances_are_those_of_monai(name: str) -> None:
    levels, truth = drawn_pairs()[name]
    gaps = boundary.gaps(pair(levels / 255, truth))
    found = [boundary.hausdorff(gaps, percent=percent) for percent in (95, 100, 50)]
    golden = MONAI[name]
    assert all(map(math.isnan, found)) if golden is None else found == pytest.approx(golden, rel=MONAI_TOLERANCE)


def test_the_drawn_pairs_are_what_they_were() -> None:
    """Golden values are worth nothing for other pairs."""
    sums = {name: (int(levels.sum()), int(truth.sum())) for name, (levels, truth) in drawn_pairs().items()}
    assert sums == {
        "soft": (337074, 911),
        "parts": (237092, 885),
        "hard": (303195, 911),
        "speck": (72641, 3),
        "wrong place": (255826, 911),
        "empty truth": (228240, 0),
        "full truth": (492339, 5063),
        "empty prediction": (0, 911),
        "both empty": (0, 0),
    }
