"""Starting points for people who do not want to know: values for the recipe and the method, measured on small and usual bases.

Rates are left to the base model (0), because what suits a model of 9 M weights would destroy one of 900 M. A high rank takes an alpha below
itself: at the starter's rate, rank 32 with the feed-forward layers and alpha 32 fell apart within 200 steps, and learned best with alpha 8.
"""

from __future__ import annotations

from engines.api.recipe import Preset

_SHORT: dict[str, dict[str, int | float | bool | str]] = {
    "loop": {"steps": 200, "batch_size": 2, "warmup": 5, "checkpoint_every": 100, "validate_every": 25},
    "samples": {"every": 100},
}

PRESETS: tuple[Preset, ...] = (
    Preset(
        name="quick",
        title="Quick",
        sentence="A first look: recognisable, in the shortest time.",
        changes=_SHORT,
        method={"rank": 8},
    ),
    Preset(
        name="balanced",
        title="Balanced",
        sentence="Close to the photos and still free to obey the prompt.",
        recommended=True,
        changes={
            "loop": {"steps": 400, "batch_size": 2, "warmup": 10, "checkpoint_every": 100, "validate_every": 25},
            "samples": {"every": 100},
        },
        method={"rank": 16},
    ),
    Preset(
        name="best",
        title="Best",
        sentence="As close as it gets; also keeps the rest of the class as it was. Takes several times as long.",
        changes={
            "loop": {"steps": 1000, "batch_size": 2, "warmup": 20, "checkpoint_every": 200, "validate_every": 50},
            "objective": {"class_pictures": 24, "class_weight": 0.5},
            "samples": {"every": 200},
        },
        method={"rank": 32, "alpha": 8.0, "feed_forward": True},
    ),
    Preset(
        name="mergeable",
        title="Mergeable",
        sentence="Made to be added up with others of its kind. Other tools also need the small file of its word, which the export writes.",
        changes={**_SHORT, "objective": {"hold_weight": 2.0}},
        method_name="orthogonal",
        method={"rank": 16, "train_word": True},
    ),
    Preset(
        name="composable",
        title="Composable",
        sentence="Keeps to its own word: the best likeness when several subjects share a picture, but in Lorikeet only.",
        changes={**_SHORT, "objective": {"hold_weight": 1.0}},
        method_name="tara",
        method={"rank": 8},
    ),
)


def preset(name: str) -> Preset:
    """The preset of this name; KeyError if there is none."""
    return {item.name: item for item in PRESETS}[name]
