"""Finds things in a picture with nothing but onnxruntime, numpy and Pillow; masks are written beside it.

    python run.py picture.jpg 320 200      what is at pixel 320, 200
    python run.py picture.jpg              every class this model was taught to find by itself
"""

import json, sys
from pathlib import Path
import numpy as np, onnxruntime
from PIL import Image, ImageOps

here, picture_file, *place = Path(__file__).resolve().parent, Path(sys.argv[1]), *map(float, sys.argv[2:4])
facts = json.loads((here / "adapter.json").read_text("utf-8"))
run = lambda name, *given: (s := onnxruntime.InferenceSession(here / name)).run(None, dict(zip([i.name for i in s.get_inputs()], given)))

picture = ImageOps.exif_transpose(Image.open(picture_file)).convert("RGB")
side, scale = facts["picture"]["side"], facts["picture"]["side"] / max(picture.size)
width, height = (max(1, int(length * scale + 0.5)) for length in picture.size)
pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), np.float32)
if facts["picture"]["encoder_takes"] == "pixels":  # else colours as they are
    normal = (pixels - np.array(facts["picture"]["mean"])) / np.array(facts["picture"]["deviation"])
    pixels = np.zeros((1, 3, side, side), np.float32)
    pixels[0, :, :height, :width] = normal.transpose(2, 0, 1)
embedding, size = run("encoder.onnx", pixels)[0], np.array(picture.size[::-1], np.float32)
if place:
    points = np.array([[[place[0] * width / picture.width, place[1] * height / picture.height], [0, 0]]], np.float32)
    nothing = np.zeros((1, 1, facts["picture"]["mask_side"], facts["picture"]["mask_side"]), np.float32)
    masks, names = run("decoder.onnx", embedding, points, np.array([[1, -1]], np.float32), nothing, np.zeros(1, np.float32), size)[0], ["mask"]
else:
    masks, names = run("classes.onnx", embedding, size)[0], facts["adapter"]["classes"]
for number, name in enumerate(names):
    safe = "".join(sign if sign.isalnum() else "_" for sign in name)
    Image.fromarray((masks[0, number] > facts["output"]["threshold"]).astype(np.uint8) * 255).save(picture_file.with_name(f"{picture_file.stem}-{number}-{safe}.png"))
