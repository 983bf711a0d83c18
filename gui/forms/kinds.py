"""The kinds of fields a form knows, in the order in which they are asked whether a setting fits."""

from __future__ import annotations

from gui.forms import choice, integer, number, slider, switch, text, texts
from gui.forms.editor import Kind
from gui.forms.spec import FieldSpec

KINDS: tuple[Kind, ...] = (
    switch.KIND,
    choice.KIND,
    texts.KIND,
    slider.KIND,
    integer.KIND,
    number.KIND,
    text.KIND,
)


def kind_for(spec: FieldSpec) -> Kind | None:
    """Return the first kind that fits, or None: such a setting keeps its value and is not drawn."""
    return next((kind for kind in KINDS if kind.fits(spec)), None)
