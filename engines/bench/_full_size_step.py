"""One training step of one tuner on a ViT-B with random weights, alone in a process, so that its peak memory is its own."""

from __future__ import annotations

import json
import sys
import time


def step(tuner: str) -> dict[str, float]:
    """Seconds, peak memory and what was forecast, in GiB, of a step with one picture and one object."""
    import torch

    from engines.api.job import JobMethod
    from engines.api.recipe import LoopSettings
    from engines.api.segment_job import SegmentData, SegmentObjective, SegmentRecipe
    from engines.launch.sam_sizes import PUBLISHED
    from engines.launch.segment_forecast import memory_bytes
    from engines.segmentation.attention import fuse
    from engines.segmentation.contracts import SegmenterInfo
    from engines.segmentation.lesson import Lesson, Questions
    from engines.segmentation.prompting import BOX
    from engines.segmentation.segmenters._segment_anything import SegmentAnything
    from engines.segmentation.sizes import build_sam
    from engines.segmentation.tuners import tuner_of

    sizes = PUBLISHED["vit_b"]
    torch.manual_seed(0)
    sam = build_sam(sizes).eval().requires_grad_(False)
    fuse(sam.image_encoder)
    model = SegmentAnything(sam, SegmenterInfo("segment-anything", "ViT-B", "", "", sizes), torch.device("cpu"))
    tuned = tuner_of(tuner, {}).attach(model)
    recipe = SegmentRecipe(data=SegmentData(prompts="clicks", objects=1), loop=LoopSettings(batch_size=1))
    lesson = Lesson(model, recipe.data, SegmentObjective(), None)
    side = 2 * sizes.mask_side
    truth = torch.zeros(1, side, side)
    truth[:, side // 4 : side // 2, side // 4 : side // 2] = 1
    asked = Questions(torch.zeros(1, dtype=torch.long), truth, torch.ones_like(truth), torch.zeros(1, dtype=torch.long))
    parameters = [one for group in tuned.parameter_groups() for one in group.parameters]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    begun = time.perf_counter()
    with torch.set_grad_enabled(tuned.encoder_changes):
        embeddings = model.encode(torch.randn(1, 3, sizes.image_side, sizes.image_side))
    error = lesson.clicked(embeddings, asked, BOX)
    error.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return {
        "learned": float(sum(one.numel() for one in parameters)),
        "seconds": time.perf_counter() - begun,
        "peak_gib": _peak_bytes() / 2**30,
        "forecast_gib": memory_bytes(sizes, recipe, JobMethod(name=tuner)) / 2**30,
    }


def _peak_bytes() -> int:
    """The most memory this process ever held."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


if __name__ == "__main__":
    print(json.dumps(step(sys.argv[1])))
