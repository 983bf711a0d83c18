"""Finds things in a picture with nothing but onnxruntime, numpy and Pillow; masks are written beside it.

    python run.py picture.jpg 320 200      what is at pixel 320, 200
    python run.py picture.jpg              every class this model was taught to find by itself
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent


def run(name, *given):
    session = onnxruntime.InferenceSession(HERE / name, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([one.name for one in session.get_inputs()], given)))


def main(file, *click):
    facts = json.loads((HERE / "adapter.json").read_text("utf-8"))
    how, side = facts["picture"], facts["picture"]["side"]
    picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    width, height = (max(1, int(length * (side / max(picture.size)) + 0.5)) for length in picture.size)
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), np.float32)
    if how["encoder_takes"] == "pixels":  # else it takes colours as they are
        padded = np.zeros((1, 3, side, side), np.float32)
        padded[0, :, :height, :width] = ((pixels - how["mean"]) / how["deviation"]).transpose(2, 0, 1)
        pixels = padded
    embedding, size = run("encoder.onnx", pixels)[0], np.array(picture.size[::-1], np.float32)
    if click:
        points = np.array([[[click[0] * width / picture.width, click[1] * height / picture.height], [0, 0]]], np.float32)
        nothing = np.zeros((1, 1, how["mask_side"], how["mask_side"]), np.float32)
        asked = points, np.array([[1, -1]], np.float32), nothing, np.zeros(1, np.float32), size
        masks, names = run("decoder.onnx", embedding, *asked)[0], ["mask"]
    else:
        masks, names = run("classes.onnx", embedding, size)[0], facts["adapter"]["classes"]
    for number, (name, mask) in enumerate(zip(names, masks[0])):
        plain = "".join(sign if sign.isalnum() else "_" for sign in name)
        found = Image.fromarray((mask > facts["output"]["threshold"]).astype(np.uint8) * 255)
        found.save(file.with_name(f"{file.stem}-{number}-{plain}.png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(float, sys.argv[2:4]))
