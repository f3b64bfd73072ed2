# SPDX-License-Identifier: Apache-2.0
"""`ravine checkpoint`, held against the safetensors package and PyTorch."""

import importlib.util
import inspect
import json
import os
import shutil
import subprocess

import numpy
import pytest
from conftest import RAVINE, ROOT
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from schema import assert_conforms

OK, NO, USAGE, INPUT = 0, 1, 2, 3
GOLDEN = ROOT / "tests/data/torch_adamw.safetensors"


def checkpoint(*args):
    return subprocess.run(
        [RAVINE, "checkpoint", *map(str, args)], capture_output=True, text=True, timeout=60
    )


def answer(*args):
    done = checkpoint(*args, "--json")
    assert done.returncode in (OK, NO), done.stderr
    found = json.loads(done.stdout)
    assert_conforms(found, "checkpoint", args[0])
    return found


def texts(path):
    with safe_open(path, "numpy") as file:
        return file.metadata()


def ours(metadata):
    return {k: v for k, v in metadata.items() if not k.startswith("ravine.crc32c")}


@pytest.fixture(scope="module")
def files(run_folder):
    """The checkpoints of a run of two epochs, the older first."""
    found = sorted((run_folder / "checkpoints").iterdir())
    assert [f.name for f in found] == ["step-00000012.safetensors", "step-00000024.safetensors"]
    return found


@pytest.fixture
def damaged(files, tmp_path):
    """A copy with one bit of output.weight turned, and the byte that it is in."""
    path = tmp_path / "damaged.safetensors"
    shutil.copy(files[1], path)
    (tensor,) = [t for t in answer("inspect", path)["tensors"] if t["name"] == "output.weight"]
    data = bytearray(path.read_bytes())
    data[tensor["begin"] + 3] ^= 4
    path.write_bytes(data)
    return path, tensor


# ---- looking -------------------------------------------------------------------------------------


def test_inspect_is_what_safetensors_reads(files):
    told, tensors = answer("inspect", files[1]), load_file(files[1])
    assert told["bytes"] == files[1].stat().st_size
    assert {t["name"] for t in told["tensors"]} == set(tensors)
    for t in told["tensors"]:
        numbers = tensors[t["name"]].astype(float)
        finite = numbers[numpy.isfinite(numbers)]
        assert t["shape"] == list(tensors[t["name"]].shape) and t["checksum"]
        assert t["bytes"] == tensors[t["name"]].nbytes
        assert t["nonfinite"] == numbers.size - finite.size
        if finite.size:
            scale = abs(finite).max() or 1
            norm = scale * numpy.sqrt(((finite / scale) ** 2).sum())
            assert t["norm"] == pytest.approx(norm, rel=1e-12)
            assert (t["least"], t["greatest"]) == (finite.min(), finite.max())
    assert told["texts"] == ours(texts(files[1]))
    assert told["texts"]["ravine.steps"] == "24"
    assert told["texts"]["ravine.group.0"].startswith("adamw lr=0.001 beta1=0.9 beta2=0.999 ")


def test_inspect_shows_a_table(files):
    done = checkpoint("inspect", files[1])
    assert done.returncode == OK and done.stderr == ""
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert rows["state.output.weight.exp_avg_sq"][1:4] == ["F32", "[16,", "1]"] or rows[
        "state.output.weight.exp_avg_sq"
    ][1:3] == ["F32", "[1,"]
    assert rows["state.output.weight.step"][3:5] == ["8", "24"]
    assert rows["ravine.attempts"][1] == "24"


def test_every_dtype(tmp_path):
    """Numbers of each kind, against NumPy; one that NumPy has not is only listed."""
    numbers = [0, 1, 2, 100]
    tensors = {
        kind: numpy.array(numbers, dtype=kind)
        for kind in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split()
    }
    tensors["half"] = numpy.array([6e-8, -65504, numpy.inf, numpy.nan, 0.1], dtype="f2")
    tensors["truth"] = numpy.array([True, False, True])
    tensors["empty"] = numpy.zeros((0, 3), dtype="f4")
    path = tmp_path / "kinds.safetensors"
    save_file(tensors, path)
    told = {t["name"]: t for t in answer("inspect", path)["tensors"]}
    for name, tensor in tensors.items():
        finite = tensor[numpy.isfinite(tensor)].astype(float)
        assert told[name]["nonfinite"] == tensor.size - finite.size
        assert not told[name]["checksum"]
        if finite.size:
            assert (told[name]["least"], told[name]["greatest"]) == (finite.min(), finite.max())
    assert told["empty"]["least"] is None and told["empty"]["shape"] == [0, 3]
    header = b'{"x":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"abc")
    (told,) = answer("inspect", path)["tensors"]
    assert told["dtype"] == "F8_E4M3" and told["norm"] is None


@pytest.mark.parametrize(
    "kind",
    "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu bfloat16 float16 "
    "float32 float64 complex64 bool uint8 uint16 uint32 uint64 int8 int16 int32 int64".split(),
)
def test_every_dtype_of_pytorch(tmp_path, kind):
    """Each kind of number that safetensors writes for PyTorch is read, by the name it has there."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save

    path = tmp_path / "kinds.safetensors"
    save({"x": torch.zeros(4, dtype=getattr(torch, kind))}, path)
    with safe_open(path, "pt") as file:
        name = file.get_slice("x").get_dtype()
    (told,) = answer("inspect", path)["tensors"]
    assert told["dtype"] == name
    assert ": whole, " in checkpoint("verify", path).stdout


def test_verify(files, damaged, tmp_path):
    path, tensor = damaged
    done = checkpoint("verify", *files)
    assert done.returncode == OK and done.stdout.count(": whole, ") == 2
    done = checkpoint("verify", files[0], path, files[1])
    assert done.returncode == NO and "of 3 files 1 are damaged" in done.stderr
    where = f"bytes {tensor['begin']} to {tensor['begin'] + tensor['bytes'] - 1}, is damaged"
    assert f'tensor "output.weight", {where}' in done.stdout
    told = answer("verify", files[0], path)["files"]
    assert [f["whole"] for f in told] == [True, False] and "output.weight" in told[1]["why"]
    assert told[0]["tensors"] == told[0]["checked"] > 10
    done = checkpoint("verify", tmp_path / "none")
    assert done.returncode == INPUT and "1 unreadable" in done.stderr
    cut = tmp_path / "cut"
    cut.write_bytes(files[0].read_bytes()[:-1])
    assert checkpoint("verify", cut).returncode == NO
    assert checkpoint("inspect", path).returncode == NO


def test_diff(files, tmp_path):
    same = checkpoint("diff", files[0], files[0])
    assert (same.returncode, same.stdout, same.stderr) == (OK, "", "")
    told = answer("diff", *files)
    a, b = load_file(files[0]), load_file(files[1])
    differing = {
        k for k in set(a) | set(b) if k not in a or k not in b or a[k].tobytes() != b[k].tobytes()
    }
    assert {t["name"] for t in told["tensors"]} == differing
    (row,) = [t for t in told["tensors"] if t["name"] == "output.weight"]
    x, y = a["output.weight"].ravel().astype(float), b["output.weight"].ravel().astype(float)
    assert row["count"] == x.size and row["differ"] == (x != y).sum() and row["first"] == 0
    assert row["greatest"] == pytest.approx(abs(x - y).max(), rel=1e-12)
    norm = numpy.sqrt(((x - y) ** 2).sum() / (x**2).sum())
    assert row["relative"] == pytest.approx(norm, rel=1e-12)
    changed = {t["key"]: (t["a"], t["b"]) for t in told["texts"]}
    assert changed["ravine.steps"] == ("12", "24") and "ravine.group.0" not in changed
    assert told["differences"] == len(told["tensors"]) + len(told["texts"])
    kinds = [t["name"].split(".")[0] for t in told["tensors"]]  # what was learnt comes first
    ranks = [{"state": 1, "train": 2}.get(kind, 0) for kind in kinds]
    assert ranks == sorted(ranks) and set(ranks) == {0, 1, 2}
    done = checkpoint("diff", *files)
    assert done.returncode == NO and "ravine.steps: 12 -> 24\n" in done.stdout

    one, other = tmp_path / "one", tmp_path / "other"
    save_file({"x": numpy.zeros(3, "f4"), "y": numpy.zeros(3, "f4")}, one, {"a": "1"})
    save_file({"x": numpy.zeros((3, 1), "f4"), "z": numpy.zeros(3, "f4")}, other)
    done = checkpoint("diff", one, other)
    assert done.returncode == NO
    assert done.stdout == (
        "x: F32 [3], F32 [3, 1]\ny: only in the first\nz: only in the second\n"
        "a: 1, only in the first\n"
    )


def test_diff_of_zeros_and_of_no_numbers(tmp_path):
    def differ(a, b):
        for name, numbers in (("a", a), ("b", b)):
            save_file({"x": numpy.array(numbers, "f4")}, tmp_path / name)
        done = checkpoint("diff", tmp_path / "a", tmp_path / "b")
        (row,) = answer("diff", tmp_path / "a", tmp_path / "b")["tensors"]
        assert done.returncode == NO
        return done.stdout, row["differ"], row["greatest"], row["relative"]

    nan, inf = numpy.nan, numpy.inf
    said = "x: 1 of 3 numbers differ, the first at 1"
    assert differ([1, 0, 2], [1, -0.0, 2]) == (f"{said}, in the sign of a zero\n", 1, 0, 0)
    assert differ([0, 0, 0], [0, -0.0, 0]) == (f"{said}, in the sign of a zero\n", 1, 0, 0)
    assert differ([0, 0, 0], [0, 2, 0])[1:] == (1, 2, None)
    for other in (nan, inf):
        told = differ([1, 2, 3], [1, other, 3])
        assert told == (f"{said}; not all of them are finite\n", 1, None, None)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ([], "checkpoint needs an action"),
        (["inspcet", "x"], "no action inspcet; nearest is inspect"),
        (["inspect"], "checkpoint inspect takes 1 file; 0 are given"),
        (["diff", "x"], "checkpoint diff takes 2 files; 1 are given"),
        (["verify"], "checkpoint verify takes 1 file or more; 0 are given"),
        (["convert", "a", "b", "c"], "checkpoint convert takes 2 files; 3 are given"),
    ],
)
def test_usage(args, told):
    done = checkpoint(*args)
    assert done.returncode == USAGE and told in done.stderr


def test_names_do_no_harm(tmp_path):
    path = tmp_path / "hostile"
    save_file({"\x1b[2Jx": numpy.zeros(1, "f4")}, path, {"k\x1b]0;": "v\x9b"})
    for action in (["inspect", path], ["diff", path, GOLDEN]):
        done = checkpoint(*action)
        assert "\x1b" not in done.stdout + done.stderr and "\\x1B[2Jx" in done.stdout


# ---- PyTorch -------------------------------------------------------------------------------------


def assert_same_tensors(one, other, dropped=()):
    a, b = load_file(one), load_file(other)
    a = {k: v for k, v in a.items() if k not in dropped}
    assert set(a) == set(b)
    for name in a:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape
        assert a[name].tobytes() == b[name].tobytes(), name


def test_there_and_back(files, tmp_path):
    flat, back = tmp_path / "flat", tmp_path / "back"
    assert checkpoint("convert", files[1], flat).returncode == OK
    watched = [k for k in load_file(files[1]) if k.startswith("state.") and "watched" in k]
    done = checkpoint("convert", flat, back)
    assert done.returncode == OK, done.stderr
    assert_same_tensors(files[1], back, watched)
    assert checkpoint("convert", files[1], flat).stderr == (
        "ravine: left out, since PyTorch keeps no such state: watched_slope, watched_steps, "
        "watched_update, watched_signs\n"
    )
    metadata = ours(texts(back))
    for key, value in ours(texts(files[1])).items():
        if not key.startswith("train.") and key != "ravine.metric":
            assert metadata[key] == value, key

    told = ours(texts(flat))
    assert (told["optimizer"], told["steps"]) == ("AdamW", "24")
    groups = json.loads(told["param_groups"])
    assert groups[0]["betas"] == [0.9, 0.999] and groups[0]["amsgrad"] is False
    assert groups[0]["params"] == [0] and groups[0]["param_names"] == ["layer1.weight"]
    assert load_file(flat)["state.0.step"] == numpy.float32(24)


def test_golden_file_of_pytorch(tmp_path):
    """Written by PyTorch 2.13 (write_golden below): AdamW of two groups after 3 steps."""
    out, back = tmp_path / "ours", tmp_path / "back"
    done = checkpoint("convert", GOLDEN, out)
    assert done.returncode == OK, done.stderr
    theirs, mine, told = load_file(GOLDEN), load_file(out), texts(out)
    names = ["layer.weight", "layer.bias", "head"]
    for k, name in enumerate(names):
        assert mine[f"state.{name}.step"] == 3 and mine[f"state.{name}.step"].dtype == numpy.int64
        assert mine[name].tobytes() == theirs[name].tobytes()
        assert told[f"ravine.group_of.{name}"] == ("0" if k < 2 else "1")
        for key in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
            if f"state.{k}.{key}" in theirs:
                ours_, given = mine[f"state.{name}.{key}"], theirs[f"state.{k}.{key}"]
                assert ours_.tobytes() == given.tobytes()
    assert told["ravine.steps"] == "3" and told["ravine.groups"] == "2"
    first, second = told["ravine.group.0"], told["ravine.group.1"]
    assert first.startswith("adamw lr=0.01 beta1=0.9 beta2=0.99 eps=1e-08")
    assert "amsgrad=true" in first and "weight_decay=0.1 decay_form=decoupled" in first
    assert "amsgrad=false" in second and "lr=0.5" in second
    assert checkpoint("convert", out, back).returncode == OK
    assert_same_tensors(GOLDEN, back)


def write_golden(path, torch):
    optimizer, model = trained(
        torch,
        "AdamW",
        [
            {"lr": 0.01, "betas": (0.9, 0.99), "amsgrad": True, "weight_decay": 0.1},
            {"lr": 0.5},
        ],
    )
    save_optimizer(path, optimizer, model)


def trained(torch, name, groups, steps=3):
    torch.manual_seed(0)
    model = {
        "layer.weight": torch.randn(3, 2),
        "layer.bias": torch.randn(3),
        "head": torch.randn(4),
    }
    for p in model.values():
        p.requires_grad_()
    split = [["layer.weight", "layer.bias"], ["head"]]
    optimizer = getattr(torch.optim, name)(
        [{"params": [(n, model[n]) for n in s], **g} for s, g in zip(split, groups, strict=True)]
    )
    train(torch, optimizer, model, 0, steps)
    return optimizer, model


def train(torch, optimizer, model, first, steps):
    for step in range(first, first + steps):
        torch.manual_seed(step)
        for p in model.values():
            p.grad = torch.randn(p.shape)
        optimizer.step()


# docs/checkpoints.md shows these two.
def save_optimizer(path, optimizer, model):
    from safetensors.torch import save_file as save

    state = optimizer.state_dict()
    tensors = {
        f"state.{k}.{key}": value
        for k, entries in state["state"].items()
        for key, value in entries.items()
        if value is not None
    }
    tensors |= {name: p.detach() for name, p in model.items()}
    metadata = {
        "format": "pt",
        "optimizer": type(optimizer).__name__,
        "param_groups": json.dumps(state["param_groups"]),
    }
    save(tensors, path, metadata)


def load_optimizer(path, optimizer, model):
    state = {}
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118
            # a model may have a module called state
            if name.startswith("state.") and name not in model:
                k, _, key = name.removeprefix("state.").rpartition(".")
                state.setdefault(int(k), {})[key] = file.get_tensor(name)
        groups = json.loads(file.metadata()["param_groups"])
    optimizer.load_state_dict({"state": state, "param_groups": groups})


TORCH = [
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"momentum": 0.5, "dampening": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("RMSprop", {"centered": True, "momentum": 0.9}),
    ("Adadelta", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RAdam", {}),
    ("ASGD", {"t0": 1}),
    ("Rprop", {}),
    ("Adafactor", {"weight_decay": 0.1}),
    ("Adafactor", {"eps": (1e-3, 0.1), "d": 2.0, "beta2_decay": -0.5}),
]


@pytest.mark.parametrize(("name", "settings"), TORCH)
def test_pytorch_goes_on_after_the_round_trip(tmp_path, name, settings):
    """Its optimizer, through our form and back, makes the steps that it would have made."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    flat, mine, back = tmp_path / "flat", tmp_path / "ours", tmp_path / "back"
    optimizer, model = trained(torch, name, [{"lr": 0.01, **settings}, {"lr": 0.02, **settings}])
    save_optimizer(flat, optimizer, model)
    for source, target in ((flat, mine), (mine, back)):
        done = checkpoint("convert", source, target)
        assert done.returncode == OK, done.stderr
    fresh, copy = trained(torch, name, [{"lr": 9.0, **settings}, {"lr": 9.0, **settings}], 0)
    with torch.no_grad():
        for key, p in copy.items():
            p.copy_(model[key])
    load_optimizer(back, fresh, copy)
    train(torch, optimizer, model, 3, 4)
    train(torch, fresh, copy, 3, 4)
    for key in model:
        assert torch.equal(model[key], copy[key]), key


def test_a_module_called_state(tmp_path):
    """Its parameters and buffers look like state and are none."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    flat, mine, back = tmp_path / "flat", tmp_path / "ours", tmp_path / "back"
    names = ["state.0.weight", "state.encoder.bias", "state.exp_avg", "head"]
    model = {name: torch.randn(3, requires_grad=True) for name in names}
    optimizer = torch.optim.AdamW(list(model.items()), lr=0.01)
    train(torch, optimizer, model, 0, 3)
    buffers = {"state.1.running_mean": torch.randn(3), "state.norm.running_var": torch.randn(3)}
    save_optimizer(flat, optimizer, {**model, **buffers})
    for source, target in ((flat, mine), (mine, back)):
        done = checkpoint("convert", source, target)
        assert (done.returncode, done.stderr) == (OK, "")
    assert_same_tensors(flat, back)
    assert {"state.state.0.weight.exp_avg", "state.head.step", *names, *buffers} <= set(
        load_file(mine)
    )
    fresh = torch.optim.AdamW(list(model.items()), lr=9.0)
    load_optimizer(back, fresh, {**model, **buffers})
    for k, entries in optimizer.state_dict()["state"].items():
        assert fresh.state_dict()["state"][k].keys() == entries.keys()
        for key, value in entries.items():
            assert torch.equal(fresh.state_dict()["state"][k][key], value)


def test_the_page_shows_these_functions():
    page = (ROOT / "docs/checkpoints.md").read_text()
    for function in (load_optimizer, save_optimizer):
        source = inspect.getsource(function).replace("  # noqa: SIM118", "")
        if function is save_optimizer:
            head = "    from safetensors.torch import save_file as save\n\n"
            source = source.replace(head, "").replace("    save(tensors", "    save_file(tensors")
        assert source in page


def refused(source, tmp_path, code, told):
    done = checkpoint("convert", source, tmp_path / "out")
    assert done.returncode == code and told in done.stderr, done.stderr
    assert not (tmp_path / "out").exists()


def test_what_pytorch_has_not(tmp_path, run_folder):
    for optimizer, told in (
        ("lion", "group 0 is lion, which PyTorch has not"),
        ("adam eps_form=inside", "eps_form is 2; PyTorch's Adam has no such setting"),
        ("adamw clip_value=1", "clip_value is 1; PyTorch's AdamW has no such setting"),
    ):
        name = optimizer.split()[0]
        data = ["format=csv", f"file={ROOT}/examples/data/energy.csv", "target=kwh"]
        settings = [f"--set=data.{d}" for d in [*data, "task=regression"]]
        subprocess.run(
            [
                RAVINE,
                "train",
                "-q",
                "-n",
                name,
                *settings,
                "--set=epochs=1",
                f"--set=optimizer={optimizer}",
            ],
            cwd=tmp_path,
            check=True,
        )
        refused(tmp_path / f"runs/{name}/checkpoints/step-00000012.safetensors", tmp_path, NO, told)
        shutil.rmtree(tmp_path / "runs")


def test_what_is_no_state(tmp_path):
    path = tmp_path / "bad"
    one = {"state.0.exp_avg": numpy.zeros(2, "f4"), "state.0.step": numpy.float32(2.0)}
    group = {"lr": 0.1, "params": [0]}

    def given(tensors, optimizer="Adam", groups=(group,)):
        save_file(
            {k: numpy.asarray(v) for k, v in tensors.items()},
            path,
            {"optimizer": optimizer, "param_groups": json.dumps(groups)},
        )

    save_file({"x": numpy.zeros(1, "f4")}, path)
    refused(path, tmp_path, INPUT, "neither a checkpoint of Ravine nor PyTorch's")
    given(one, optimizer="Shampoo")
    refused(path, tmp_path, NO, "optimizer is Shampoo, which is not known here")
    given(one, groups={})
    refused(path, tmp_path, INPUT, "param_groups is no list of groups")
    given(one, groups=[{"lr": 0.1}])
    refused(path, tmp_path, INPUT, "group 0 has no list params")
    given(one, groups=[{"lr": "high", "params": [0]}])
    refused(path, tmp_path, INPUT, "lr of a group of param_groups is no number")
    given(one, groups=[{"lr": -1, "params": [0]}])
    refused(path, tmp_path, INPUT, "it must be in [0, inf)")
    given({**one, "state.1.exp_avg": numpy.zeros(2, "f4")})
    refused(path, tmp_path, INPUT, "state.1.exp_avg belongs to no parameter")
    given({**one, "state.0.wisdom": numpy.zeros(2, "f4")})
    refused(path, tmp_path, INPUT, "state.0.wisdom: Adam has no such state")
    for step, told in ((1.5, "it must be a number of steps"), (numpy.nan, "not one finite number")):
        given({**one, "state.0.step": numpy.float32(step)})
        refused(path, tmp_path, INPUT, told)
    given(one)
    assert checkpoint("convert", path, tmp_path / "out").returncode == OK
    assert load_file(tmp_path / "out")["state.0.step"] == 2


if __name__ == "__main__":  # python tests/python/test_checkpoint.py writes the golden file anew
    assert importlib.util.find_spec("torch") and not os.environ.get("RAVINE_BUILD")
    import torch as pytorch

    write_golden(GOLDEN, pytorch)
