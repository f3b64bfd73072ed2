# SPDX-License-Identifier: Apache-2.0
"""A small text, the models that learn it, and what tests ask of their runs."""

import json
import random
import subprocess

import safetensors.numpy
from conftest import RAVINE
from schema import assert_conforms

WORDS = ["the", "river", "cuts", "a", "ravine", "deep", "into", "rock", "and", "sand"]
CONTEXT = 24
MODELS = {
    "pre": {"name": "transformer", "norm": "pre", "heads": 2, "width": 16, "activation": "gelu"},
    "post": {"name": "transformer", "norm": "post", "heads": 2, "width": 16, "activation": "gelu"},
    "lstm": {"name": "lstm", "width": 24},
}


def ravine(*words, code=0):
    """What the command prints, or its errors where they are what is asked for."""
    done = subprocess.run([RAVINE, *map(str, words)], capture_output=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr.decode()


def make_text(path):
    """Words in any order."""
    draw = random.Random(1)
    path.write_text(" ".join(draw.choice(WORDS) for _ in range(6000)))
    return path


def train(text, folder, name, *more, model="pre", code=0):
    """The folder of a run, or the errors of one that is refused."""
    settings = {
        "runs_dir": folder, "name": name, "epochs": 3, "batch_size": 8,
        "data.format": "text", "data.files": f"[{text}]", "data.context": CONTEXT,
        "data.examples": 1600, "data.test_share": 0.1, "model.layers": 2,
        "optimizer": "adamw lr=0.01",
    }  # fmt: skip
    settings |= {f"model.{key}": value for key, value in MODELS[model].items()}
    sets = [f"--set={key}={value}" for key, value in settings.items()]
    told = ravine("train", *sets, *more, "--quiet", code=code)
    return told if code else folder / name


def lines_of(run, kind):
    """The lines of a kind of run.jsonl; None: the steps."""
    lines = [json.loads(line) for line in (run / "run.jsonl").open()]
    return [line for line in lines if line.get("type") == kind]


def bits_of_test(run):
    """Bits of each byte that was kept for the test."""
    return lines_of(run, "test")[-1]["bits_per_byte"]


def evaluated(run, *file):
    """What `ravine evaluate` says, checked against its schema."""
    answer = json.loads(ravine("evaluate", run, *file, "--json"))
    assert_conforms(answer, "evaluate")
    return answer


def weights(run, file="weights.safetensors"):
    """Tensors of a file of the run by name."""
    import torch

    read = safetensors.numpy.load_file(run / file)
    return {name: torch.from_numpy(value) for name, value in read.items()}


def torch_lstm(w, layers):
    """torch.nn.LSTM with the weights of a run, under their names in its file."""
    import torch

    mine = {name[5:]: value for name, value in w.items() if name.startswith("lstm.")}
    width = w["embedding.weight"].shape[1]
    lstm = torch.nn.LSTM(width, width, layers, batch_first=True, dtype=mine["bias_hh_l0"].dtype)
    lstm.load_state_dict(mine)
    return lstm


def lstm_in_torch(w, config):
    """From bytes of a sequence of any length to logits."""
    lstm, table = torch_lstm(w, config["layers"]), w["embedding.weight"]
    return lambda x: lstm(table[x][None])[0][0] @ table.T
