# SPDX-License-Identifier: Apache-2.0
"""Peers that watch a live PyTorch model: the scenario again in PyTorch, all of them attached.

The net begins with the very weights of the run of doctor_real, sees the same examples in batches of
the same size and is trained by the same rule; only the order of the batches is another.
"""

import contextlib
import gzip
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

DATA = Path("/usr/share/datasets/fashion-mnist")
SAMPLE = 256  # examples for checks that take one batch


Scenario = dict[str, Any]  # a line of doctor_real --list
Images = tuple[torch.Tensor, torch.Tensor]


def images(kind: str) -> Images:
    """Standardised pixels [n, 1, 28, 28] and labels, as dataset_read_idx makes them."""
    with gzip.open(DATA / "train-images-idx3-ubyte.gz") as file:
        train = np.frombuffer(file.read(), np.uint8, offset=16)
    mean, deviation = (train / 255).mean(), (train / 255).std()
    with gzip.open(DATA / f"{kind}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    with gzip.open(DATA / f"{kind}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    x = ((pixels / 255 - mean) / deviation).astype(np.float32).reshape(-1, 1, 28, 28)
    return torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))


class Rows(nn.Module):
    """[n, c, h, w] as rows of [h, w, c], the order in which our nets store an image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def build(scenario: Scenario) -> nn.Sequential:
    """The layers of app/network/models.c."""
    act = nn.ReLU if scenario["activation"] == "relu" else nn.Tanh
    layers, channels, side = [], 1, 28
    if scenario["model"] == "mlp":
        layers, size = [nn.Flatten()], 784
        for width in scenario["widths"]:
            layers += [nn.Linear(size, width), act()]
            size = width
        return nn.Sequential(*layers, nn.Linear(size, 10))
    for width in scenario["widths"]:
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.MaxPool2d(2), act()]
        channels, side = width, side // 2
    size = channels * side * side
    layers.append(Rows())
    if scenario["dense"]:
        layers += [nn.Linear(size, scenario["dense"]), act()]
        size = scenario["dense"]
    return nn.Sequential(*layers, nn.Linear(size, 10))


def load(model: nn.Module, path: str) -> None:
    """The file has every parameter in our order; a convolution is [out, k, k, in] there."""
    numbers, at = np.fromfile(path, np.float32), 0
    with torch.no_grad():
        for p in model.parameters():
            part = torch.from_numpy(numbers[at : at + p.numel()].copy())
            at += p.numel()
            if p.dim() == 4:
                out, inner, k, _ = p.shape
                part = part.reshape(out, k, k, inner).permute(0, 3, 1, 2)
            p.copy_(part.reshape(p.shape))
    assert at == len(numbers), f"{path}: {len(numbers)} numbers, the model has {at}"


class AdagradMean(torch.optim.Optimizer):
    """theta -= lr g / sqrt(mean of all g^2 so far): the lecture's rule, which torch has not."""

    def __init__(self, params: Any, lr: float, eps: float = 1e-8) -> None:
        super().__init__(params, {"lr": lr, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state["step"] = state.get("step", 0) + 1
                total = state.setdefault("sum", torch.zeros_like(p))
                total += p.grad**2
                p -= group["lr"] * p.grad / ((total / state["step"]).sqrt() + group["eps"])


RULES = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adagrad_mean": AdagradMean,
}


def optimizer(scenario: Scenario, model: nn.Module) -> torch.optim.Optimizer | None:
    """Of the same text; None if PyTorch has no such rule."""
    rule, *settings = scenario["optimizer"].split()
    if rule not in RULES:
        return None
    keywords = {k: float(v) for k, v in (s.split("=") for s in settings)}
    if "nesterov" in keywords:
        keywords["nesterov"] = bool(keywords["nesterov"])
    return RULES[rule](model.parameters(), **keywords)


class Scene:
    """Net, rule and examples of one run."""

    def __init__(self, scenario: Scenario, seed: int, weights: str, data: Images) -> None:
        torch.manual_seed(seed)
        self.scenario = scenario
        self.model = build(scenario)
        load(self.model, weights)
        self.rule = optimizer(scenario, self.model)
        n = scenario["examples"]
        self.x, label = data[0][:n].clone(), data[1][:n]
        self.sample = slice(0, SAMPLE)
        if scenario["nan_image"]:
            self.x[seed % 1000, 0, 14, 14] = float("nan")
            self.sample = slice(seed % 1000, seed % 1000 + SAMPLE)
        self.target = label
        self.loss_of = nn.CrossEntropyLoss()

    def train(self, after_step: Callable[[int, float], Any]) -> None:
        """Until the end, ten lost losses in a row, or 64 steps after the first burst."""
        recent, quiet, bursts = 0, 0, 0
        n, batch, lost, order = len(self.x), self.scenario["batch"], 0, None
        for step in range(self.scenario["steps"]):
            at = step % (n // batch) * batch
            if at == 0:
                order = torch.randperm(n)
            rows = order[at : at + batch]
            self.rule.zero_grad()
            loss = self.loss_of(self.model(self.x[rows]), self.target[rows])
            loss.backward()
            self.rule.step()
            after_step(step, loss.item())
            lost = 0 if torch.isfinite(loss) else lost + 1
            quiet += 1
            if step > 64 and loss.item() > 4 * recent and quiet > 16:
                quiet, bursts = 0, bursts + 1
            recent += (loss.item() - recent) / 16 if step else loss.item()
            if lost == 10 or (self.scenario["until_burst"] and bursts and quiet == 64):
                return


def torchmortem_and_others(scene: Scene, folder: str) -> dict[str, list[str]]:
    """These three get along with each other in one run."""
    import torch_audit
    import torchmortem

    auditor = torch_audit.autopatch(
        scene.model, optimizer=scene.rule, every_n_steps=100, suppress_internal_errors=True
    )
    with torchmortem.Autopsy(scene.model, optimizer=scene.rule) as autopsy:
        scene.train(lambda step, loss: autopsy.step(loss=loss))
    audit = auditor.finish().findings
    auditor.unpatch()
    rank = {"FATAL": 0, "ERROR": 1, "WARN": 2, "INFO": 3}
    audit = sorted(audit, key=lambda f: rank.get(getattr(f.severity, "value", ""), 9))
    report = autopsy.report(Path(folder) / "torchmortem.json")
    found = sorted(report.findings, key=lambda f: -f.severity)
    return {
        "torchmortem": [i.title for i in report.insights]
        + [f.title for f in found if f.severity > 0],
        "torch-audit": list(dict.fromkeys(f"{f.rule_id} {f.message}" for f in audit)),
        "torchdiag": torchdiag(scene),
    }


def torchdiag(scene: Scene) -> list[str]:
    """Its checks of one batch at the end; they print, and each issue is a line with a dot."""
    import torchdiag as peer

    said = io.StringIO()
    x, target = scene.x[scene.sample], scene.target[scene.sample]
    with contextlib.redirect_stdout(said):
        scene.model.zero_grad()
        scene.loss_of(scene.model(x), target).backward()
        peer.check_gradients(scene.model)
        peer.check_dead_neurons(scene.model, x)
        peer.verify_step(scene.model, scene.rule, scene.loss_of, x, target)
    return [line.strip(" \u2022") for line in said.getvalue().splitlines() if "\u2022" in line]


def neuraldbg(scene: Scene, folder: str) -> dict[str, list[str]]:
    """Its transitions, the last ones first: what holds at the end."""
    import neuraldbg as peer

    with peer.NeuralDbg(scene.model) as dbg:

        def after_step(step: int, loss: float) -> None:
            dbg.step = step + 1
            dbg.record_loss(loss)

        scene.train(after_step)
    answers = []
    for event in reversed(dbg.get_events()):
        state = getattr(event.to_state, "value", event.to_state)
        answers.append(f"{event.event_type.value} to_{state}")
    return {"neuraldbg": list(dict.fromkeys(answers))}


def answers(
    scenario: Scenario, seed: int, weights: str, data: Images, folder: str
) -> dict[str, list[str]]:
    """Answers by peer of one run; {} if PyTorch has no such rule."""
    found: dict[str, list[str]] = {}
    for company in (torchmortem_and_others, neuraldbg):
        scene = Scene(scenario, seed, weights, data)
        if scene.rule is None:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found |= company(scene, folder)
    return found
