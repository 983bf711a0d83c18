"""What adapting a segmentation model will take, told before it starts: from earlier runs here where there are any, else from counting.

The encoder is counted block by block. Memory is what the backward pass keeps from the first block that learns on; the constants were
counted on blocks of the full-size models (saved tensors). Sizes are bytes, times seconds.
"""

from __future__ import annotations

from pathlib import Path

from engines.api.catalog import DeviceEntry
from engines.api.errors import UserError
from engines.api.events import Forecast
from engines.api.job import JobMethod
from engines.api.places import starter
from engines.api.segment_job import SegmentRecipe
from engines.launch.forecast import Outlook, Source, device_name, samplings, some, validations
from engines.launch.hardware import cores
from engines.launch.sam_sizes import PUBLISHED, SamSizes, sizes_of
from engines.launch.speeds import Speed, recall
from engines.launch.tensor_file import read_tensor_file

_TOKEN_COPIES = 11.3
"""What a block keeps for the backward pass, in numbers a token and channel, besides the fused attention's queries, keys and values."""
_RECOMPUTED_BLOCKS = 2.0
_DECODER_BYTES = 105 * 2**20
_DECODER_FLOPS = 5.5e9
"""Of one question, at an embedding of 64 x 64 and 256 channels; both follow the embedding's size."""
_BACKWARD_PASSES = 2.2
_SIZES_BYTES = ((700 * 2**20, "vit_b"), (1900 * 2**20, "vit_l"))
_LIBRARIES_BYTES = 800 * 2**20
_FLOPS_PER_CORE, _FLOPS = 4.0e10, {"mps": 2.0e12, "cuda": 1.2e13}
_AROUND_S = 6.0
_BYTES_PER_LEARNED = 16
_LEARNED_WITH_DECODER = 4_100_000


def sizes_at(base: str) -> SamSizes:
    """Sizes of a model as named in a job, from its file's header; those of ViT-B, L or H by the file's length where that tells nothing."""
    path = starter("sam") / "sam.safetensors" if base == "starter" else Path(base.partition(":")[2])
    try:
        if path.suffix.lower() == ".safetensors":
            return sizes_of({name: entry.shape for name, entry in read_tensor_file(path).tensors.items()})
        length = path.stat().st_size
    except (OSError, UserError):
        length = 0
    kind = next((name for most, name in _SIZES_BYTES if length < most), "vit_h")
    return PUBLISHED[kind]


def segment_outlook(base: str, recipe: SegmentRecipe, method: JobMethod, device: DeviceEntry) -> Outlook:
    """Forecast an adaptation on a device, before anything is loaded. Embeddings count as not computed yet."""
    sizes = sizes_at(base)
    flops = step_flops(sizes, recipe, method)
    precision = "fp32" if device.kind != "cuda" or recipe.loop.precision == "fp32" else "half"
    name = device_name(device.kind, device.title)
    known = [speed for speed in recall() if speed.device == name and speed.precision == precision]
    mine = [speed for speed in known if speed.work.startswith(_KIND)]
    same = [speed for speed in mine if speed.base == base and speed.work == work_key(recipe, method)]
    source: Source = "measured" if same else "scaled" if mine else "counted"
    if same or mine:
        nearest = same[-1] if same else min(mine, key=lambda speed: abs(speed.step_flops - flops))
        seconds = _from_speed(nearest, recipe, flops)
    else:
        rate = _FLOPS_PER_CORE * cores() if device.kind == "cpu" else _FLOPS.get(device.kind, _FLOPS["cuda"])
        seconds = _AROUND_S + recipe.loop.steps * flops / rate * 1.2
    memory = same[-1].memory_bytes if same and same[-1].memory_bytes else memory_bytes(sizes, recipe, method)
    remedy = remedy_for(sizes, recipe, method) if memory > device.memory_free_bytes > 0 else ""
    steps, pictures = some(recipe.loop.steps, "step"), some(recipe.loop.batch_size, "picture")
    text = f"Counted: {steps} of {pictures} with up to {some(recipe.data.objects, 'object')} each."
    forecast = Forecast(seconds=seconds, memory_bytes=memory, text=text)
    return Outlook(forecast, source, device.memory_free_bytes, remedy)


_KIND = "segment "


def work_key(recipe: SegmentRecipe, method: JobMethod) -> str:
    """What makes two adaptations of one model take the same time a step."""
    loop, data = recipe.loop, recipe.data
    settings = " ".join(f"{name}={value}" for name, value in sorted(method.settings.items()))
    sizes = f"b{loop.batch_size} a{loop.accumulate} c{int(loop.gradient_checkpointing)} o{data.objects} {data.prompts}"
    return f"{_KIND}{sizes} {method.name} {settings}"


def step_flops(sizes: SamSizes, recipe: SegmentRecipe, method: JobMethod) -> float:
    """Floating point operations of one step."""
    loop = recipe.loop
    first = _first_block(sizes, method)
    learned = sizes.depth - first
    forward = sum(_block_flops(sizes, block) for block in range(sizes.depth)) if learned else 0.0
    backward = sum(_block_flops(sizes, block) for block in range(first, sizes.depth)) * (_BACKWARD_PASSES - 1.0)
    if loop.gradient_checkpointing and learned:
        backward += sum(_block_flops(sizes, block) for block in range(first, sizes.depth))
    share = (sizes.token_side / 64) ** 2 * (sizes.out_chans / 256) ** 2
    asked = recipe.data.objects + (0 if recipe.data.prompts == "clicks" else 1)
    experts = method.settings.get("experts")
    passes = 2 if isinstance(experts, int) and experts > 1 else 1
    encoder = _slices(method) * (forward + backward)
    return passes * loop.accumulate * loop.batch_size * (encoder + 3.0 * asked * share * _DECODER_FLOPS)


def memory_bytes(sizes: SamSizes, recipe: SegmentRecipe, method: JobMethod) -> int:
    """Peak memory of a run."""
    loop = recipe.loop
    first = _first_block(sizes, method)
    kept = sum(_block_bytes(sizes, block) for block in range(first, sizes.depth))
    if loop.gradient_checkpointing and first < sizes.depth:
        tokens = sizes.token_side**2 * sizes.embed_dim * 4
        kept = (sizes.depth - first) * tokens + _RECOMPUTED_BLOCKS * _block_bytes(
            sizes, max(sizes.global_blocks, default=0)
        )
    share = (sizes.token_side / 64) ** 2 * (sizes.out_chans / 256)
    asked = recipe.data.objects + (0 if recipe.data.prompts == "clicks" else 1)
    weights = 4 * (sizes.depth * 12 * sizes.embed_dim**2 + 5_000_000)
    learned = _BYTES_PER_LEARNED * _LEARNED_WITH_DECODER * share**0.5
    each = _slices(method) * kept + asked * share * _DECODER_BYTES
    return int(_LIBRARIES_BYTES + weights + learned + loop.batch_size * each)


def remedy_for(sizes: SamSizes, recipe: SegmentRecipe, method: JobMethod) -> str:
    """What to change so that an adaptation needs less memory, the gentlest change first."""
    loop = recipe.loop
    encoder = _first_block(sizes, method) < sizes.depth
    if loop.batch_size > 1:
        half = loop.batch_size // 2
        return f"Take {half} picture{'s' if half > 1 else ''} a step instead of {loop.batch_size}."
    if encoder and not loop.gradient_checkpointing:
        return "Switch on “Save memory, take longer”."
    if recipe.data.objects > 2:
        return "Ask for fewer objects a picture."
    if encoder:
        return "Choose “Decoder”, which leaves the encoder alone, or leave the first half of the blocks alone."
    return "Close other programs that use memory, or choose a smaller model."


def _from_speed(speed: Speed, recipe: SegmentRecipe, flops: float) -> float:
    steps = recipe.loop.steps * speed.step_s * flops / speed.step_flops
    return speed.around_s + steps + validations(recipe) * speed.validation_s + samplings(recipe) * speed.samples_s


def _first_block(sizes: SamSizes, method: JobMethod) -> int:
    """The first block of the encoder that learns; as many as there are when none does."""
    if method.name == "decoder":
        return sizes.depth
    late = method.settings.get("late")
    return int(sizes.depth * float(late)) if isinstance(late, int | float) else 0


def _slices(method: JobMethod) -> int:
    """How many slices are encoded for one that is asked about."""
    reach = method.settings.get("reach", 1 if method.name == "3dsam-adapter" else 0)
    return 2 * reach + 1 if isinstance(reach, int) else 1


def _block_flops(sizes: SamSizes, block: int) -> float:
    tokens, width = sizes.token_side**2, sizes.embed_dim
    seen = tokens if block in sizes.global_blocks else sizes.window**2
    return 2.0 * tokens * width * width * (4 + 2 * sizes.mlp_ratio) + 4.0 * tokens * seen * width


def _block_bytes(sizes: SamSizes, block: int) -> float:
    whole = block in sizes.global_blocks
    seen = sizes.token_side if whole else sizes.window
    tokens = sizes.token_side if whole else -(-sizes.token_side // sizes.window) * sizes.window
    attended = 3.0 * tokens**2 * (sizes.embed_dim + 2 * seen * sizes.heads)
    return 4.0 * (sizes.token_side**2 * _TOKEN_COPIES * sizes.embed_dim + attended)
