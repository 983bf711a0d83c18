"""What a clay picture shows, as plain frozen data: the only input of the renderer and the ground truth beside its picture.

Frames: x right, y up, z away from the viewer, the ground is y = 0, one unit is about half a standing object. Angles are in
degrees. A spec is serialisable (``model_dump_json``) and the same spec always renders to the same pixels.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

SHAPES = ("ball", "cube", "cone", "ring", "mug", "bottle", "house", "tree", "duck", "car", "bear", "snowman")
THIN = ("sprig", "wire", "grate")
COLOURS = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "white")
PATTERNS = ("plain", "striped", "spotted", "checkered")
BACKGROUNDS = ("grass", "beach", "snow", "table", "desert", "night")
ACCESSORIES = ("hat", "scarf", "nose", "antenna", "buttons")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accessory(_Frozen):
    """Something stuck onto an object: a kind of ACCESSORIES in one of COLOURS (or "black")."""

    kind: str
    colour: str


class ObjectSpec(_Frozen):
    """One clay object. ``second`` is the other tone of its pattern; ``stretch`` are its proportions in x, y, z; ``camouflage`` is the
    share of the ground's paint in its own.
    """

    shape: str
    colour: str
    pattern: str = "plain"
    second: str = "white"
    size: float = Field(default=1.0, gt=0.05, lt=4.0)
    yaw_deg: float = 0.0
    position_xz: tuple[float, float] = (0.0, 0.0)
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    accessories: tuple[Accessory, ...] = ()
    camouflage: float = Field(default=0.0, ge=0.0, le=1.0)


class CameraSpec(_Frozen):
    """A camera on the -z side that looks at ``target`` from ``distance`` units and ``elevation_deg`` above the horizon."""

    elevation_deg: float = Field(default=14.0, ge=2.0, le=60.0)
    distance: float = Field(default=5.0, gt=1.5, lt=30.0)
    fov_deg: float = Field(default=38.0, gt=5.0, lt=100.0)
    target: tuple[float, float, float] = (0.0, 0.8, 0.0)


class LightSpec(_Frozen):
    """The sun (or moon): where it stands, how strong it is, and how warm (-1 bluish .. 1 yellowish)."""

    azimuth_deg: float = 40.0
    elevation_deg: float = Field(default=50.0, ge=15.0, le=85.0)
    strength: float = Field(default=1.0, gt=0.2, lt=2.0)
    warmth: float = Field(default=0.2, ge=-1.0, le=1.0)


class SceneSpec(_Frozen):
    """A whole still life; ``seed`` drives only texture details (speckle, mottling, stars)."""

    objects: tuple[ObjectSpec, ...]
    background: str
    camera: CameraSpec = CameraSpec()
    light: LightSpec = LightSpec()
    seed: int = 0
