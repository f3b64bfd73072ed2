# SPDX-License-Identifier: Apache-2.0
"""The command `ravine`, run as a person runs it.

The built command is $RAVINE_BUILD/ravine (default build/ravine). Data are made here: small IDX and
CSV files whose truth is known. Every test works in a folder of its own.
"""

import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time

import pytest
from command_line import DIVERGED, INPUT, INTERRUPTED, OK, RAVINE, USAGE, environment, fails, ravine

COMMANDS = [
    "train",
    "sweep",
    "race",
    "lecture",
    "report",
    "doctor",
    "checkpoint",
    "find-lr",
    "schedule",
    "optimizers",
    "bench",
    "help",
]


# ---- data ----------------------------------------------------------------------------------------


def idx(path, shape, values):
    """An IDX file of unsigned bytes: magic, sizes, values."""
    head = struct.pack(">BBBB", 0, 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape)
    data = head + bytes(values)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def picture(label, k):
    """8 x 8: the two rows 2*label and 2*label + 1 are bright, with a little texture."""
    return [
        (200 if row // 2 == label else 20) + (row * 7 + column * 13 + k * 29) % 40
        for row in range(8)
        for column in range(8)
    ]


def images(folder, train=356, test=64):
    """Four classes that any network can learn. Returns the lines of a configuration."""
    for name, count in (("train", train), ("test", test)):
        labels = [k * 7 % 4 for k in range(count)]
        idx(
            folder / f"{name}-images.gz",
            (count, 8, 8),
            [p for k, label in enumerate(labels) for p in picture(label, k)],
        )
        idx(folder / f"{name}-labels.gz", (count,), labels)
    config = folder / "small.yaml"
    config.write_text("""\
name: small
epochs: 3
batch_size: 32
log_every: 1
data:
  train_images: train-images.gz
  train_labels: train-labels.gz
  test_images: test-images.gz
  test_labels: test-labels.gz
model: {name: mlp, widths: [16]}
optimizer: adamw weight_decay=0.01
schedule:
  lr: warmup(10%) linear(90%, to=0) lr=0.01
""")
    return config


@pytest.fixture
def small(tmp_path):
    return images(tmp_path)


def table(folder, task="regression"):
    """Rows of y = 2a - b + (c is up ? 1 : -1), exactly; a classification asks for y's sign."""
    lines = ["a,b,c,y"]
    for k in range(200):
        a, b, c = (k * 37 % 101) / 50 - 1, (k * 53 % 97) / 48 - 1, "up" if k % 2 else "down"
        y = 2 * a - b + (1 if c == "up" else -1)
        target = f"{y:.4f}" if task == "regression" else "high" if y > 0 else "low"
        lines.append(f"{a:.4f},{b:.4f},{c},{target}")
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def nothing_left(folder):
    assert not (folder / "runs").exists() or not list((folder / "runs").iterdir())
    assert not list(folder.glob("**/*.tmp"))


# ---- the contract --------------------------------------------------------------------------------


def test_help_and_version():
    for args in ([], *([c] for c in COMMANDS)):
        done = ravine(*args, "--help")
        assert done.returncode == OK and done.stderr == ""
        assert "Usage: ravine" in done.stdout
        assert max(map(len, done.stdout.splitlines())) < 80
    assert ravine("help", "train").stdout == ravine("train", "-h").stdout
    version = (
        r"ravine \d+\.\d+\.\d+\nkernels: \w+, .*; .*\nproducts of matrices: (oneDNN|OpenBLAS) \S+\n"
    )
    assert re.fullmatch(version, ravine("--version").stdout)


def test_usage_errors():
    fails(USAGE, "no command", args=[])
    fails(USAGE, "trian", "nearest is train", args=["trian"])
    fails(USAGE, "--sett", "nearest is --set", args=["train", "--sett", "x"])
    fails(USAGE, "given as --set epochs=VALUE", args=["train", "--epochs", "3"])
    fails(USAGE, "given as --set lr=VALUE", args=["train", "--lr=3"])
    fails(USAGE, "--steps is 0", "[1, ", args=["schedule", "1e-3", "--steps", "0"])
    fails(USAGE, "does not take", "b.yaml", args=["train", "a.yaml", "b.yaml"])


def test_messages_hold_no_control_characters(tmp_path):
    fails(INPUT, "\\x1B[31m", args=["train", "\x1b[31m.yaml"], cwd=tmp_path)


def test_man_pages_and_completion(tmp_path):
    for command in ["", *COMMANDS]:
        page = ravine("help", "--man", *command.split()).stdout
        assert page.startswith(".TH") and ".SH OPTIONS" in page
        if shutil.which("groff"):
            done = subprocess.run(
                ["groff", "-man", "-Tutf8", "-ww"], input=page, text=True, capture_output=True
            )
            assert done.returncode == 0 and done.stderr == ""
    script = ravine("help", "--completion", "bash").stdout
    ask = (
        script
        + """
        complete_words() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ravine; echo "${COMPREPLY[@]}"
        }
        complete_words ravine tr
        complete_words ravine train --thr
        complete_words ravine optimizers adamw
    """
    )
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
    assert done.stdout.split("\n")[:3] == ["train", "--threads", "adamw"]
    fails(USAGE, "fish", "bash", args=["help", "--completion", "fish"])


def test_output_goes_to_a_file_whole_or_not_at_all(tmp_path):
    wanted = ravine("optimizers").stdout
    done = ravine("optimizers", "-o", "list.txt", cwd=tmp_path)
    assert done.returncode == OK and done.stdout == ""
    assert (tmp_path / "list.txt").read_text() == wanted
    assert ravine("optimizers", "-o", "-").stdout == wanted
    fails(USAGE, "adamm", args=["optimizers", "adamm", "-o", "list.txt"], cwd=tmp_path)
    assert (tmp_path / "list.txt").read_text() == wanted
    fails(INPUT, "nowhere", args=["optimizers", "-o", "nowhere/list.txt"], cwd=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["list.txt"]


def test_unwritable_stdout():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [RAVINE, "optimizers"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == INPUT and "No space left" in done.stderr
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([RAVINE, "optimizers"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == INPUT and "Broken pipe" in done.stderr


# ---- optimizers, schedule ------------------------------------------------------------------------


def test_optimizers():
    names = [line.split()[0] for line in ravine("optimizers").stdout.splitlines()]
    assert {"sgd", "adam", "adamw", "adagrad", "adagrad_mean", "adopt"} <= set(names)
    listed = json.loads(ravine("optimizers", "--json").stdout)["optimizers"]
    assert [rule["name"] for rule in listed] == names
    for rule in listed:
        text = ravine("optimizers", rule["name"]).stdout
        assert rule["title"] in text and rule["paper"] in text
        assert all(setting["name"] in text for setting in rule["settings"])
    adamw = json.loads(ravine("optimizers", "adamw", "-j").stdout)
    settings = {s["name"]: s for s in adamw["settings"]}
    assert settings["beta2"]["default"] == 0.999 and settings["beta2"]["greatest_open"]
    assert settings["lr"]["greatest"] == "inf"
    assert "outside" in settings["eps_form"]["choices"]
    assert settings["amsgrad"]["default"] is False
    fails(USAGE, "adamm", "nearest is adam", args=["optimizers", "adamm"])


def test_schedule():
    done = ravine("schedule", "warmup(10) linear(90, to=0) lr=1", "--json")
    assert done.returncode == OK, done.stderr
    json.loads(done.stdout)
    assert ravine("schedule", "1e-3", "--steps", "10").returncode == OK
    fails(USAGE, args=["schedule"])
    fails(USAGE, "cosin", args=["schedule", "cosin(10)"])


def test_schedule_in_percent():
    """The text that every example has; of how many steps must be said."""
    text = "warmup(5%) cosine(95%, to=0) lr=3e-3"
    told = f'"{text}" is in percent of all steps of a run; say how many it has, for example --steps'
    fails(USAGE, told, args=["schedule", text])
    same = "warmup(50) cosine(950, to=0) lr=3e-3"
    assert ravine("schedule", text, "--steps", 1000).stdout == ravine("schedule", same).stdout
    race = ["race", "--surface", "ravine", "--optimizer", "sgd", "--steps", 1000, "--json"]
    raced = [json.loads(ravine(*race, "--schedule", s).stdout)["runs"] for s in (text, same)]
    assert raced[0] == raced[1]
    doctor = ["doctor", *race[1:]]
    seen = [ravine(*doctor, "--schedule", s) for s in (text, same)]
    assert seen[0].stdout == seen[1].stdout and seen[0].returncode == seen[1].returncode != USAGE


# ---- training ------------------------------------------------------------------------------------


def run_lines(folder):
    return [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]


def test_train_learns_and_keeps(small, tmp_path):
    done = ravine("train", small, cwd=tmp_path)
    assert done.returncode == OK, done.stderr
    assert done.stderr == ""  # no terminal, no progress
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) % +([\d.]+)$", done.stdout, re.M)
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1][3]) == 100
    announced, holds = re.search(
        r"announced ([\d,]+) bytes and holds ([\d,]+)", done.stdout
    ).groups()
    assert announced == holds

    folder = tmp_path / "runs/small"
    assert str(folder.relative_to(tmp_path)) in done.stdout
    names = sorted(p.name.split(".")[0] for p in folder.iterdir())
    files = ["doctor", "encoding", "events", "report", "run", "weights", "worst"]
    assert names == ["checkpoints", *files]
    header, *lines = run_lines(folder)
    assert header["type"] == "header" and header["seed"] == 1
    assert header["config"]["model"]["widths"] == [16]
    assert header["config"]["batch_size"] == 32 and header["config"]["clip_norm"] == "inf"
    assert header["total_steps"] == 30
    assert header["machine"]["processors"] >= 1
    steps = [line for line in lines if "type" not in line]
    assert [s["step"] for s in steps] == list(range(1, 31))
    keys = {"step", "epoch", "loss", "lr", "grad_norm", "update_norm", "param_norm", "seconds"}
    assert all(keys <= set(s) for s in steps)
    assert steps[-1]["loss"] < steps[0]["loss"] / 4
    for s in steps:
        for what in ("grad_norm", "update_norm", "param_norm"):
            of_groups = sum(x * x for x in s[f"group_{what}"]) ** 0.5
            assert of_groups == pytest.approx(s[what], rel=1e-9)
    # warm-up over 3 steps to 0.01, then down to 0 over 27
    assert steps[0]["lr"] < steps[1]["lr"] < steps[2]["lr"] <= 0.01
    assert steps[3]["lr"] == pytest.approx(0.01) and steps[29]["lr"] == pytest.approx(0.01 / 27)
    epochs = [line for line in lines if line.get("type") == "epoch"]
    assert [e["epoch"] for e in epochs] == [0, 1, 2, 3]
    assert epochs[-1]["validation"]["accuracy"] == 1
    assert lines[-1]["type"] == "event" and lines[-1]["event"] == "finished"


def test_train_json_and_next_name(small, tmp_path):
    first = json.loads(ravine("train", small, "--json", "-q", cwd=tmp_path).stdout)
    second = json.loads(ravine("train", small, "--json", "-q", cwd=tmp_path).stdout)
    assert (first["run"], second["run"]) == ("runs/small", "runs/small-2")
    assert first["test"] == second["test"] and first["test"]["accuracy"] == 1
    assert len(first["epochs"]) == 3 and first["steps"] == 30
    assert first["optimizer_bytes_announced"] == first["optimizer_bytes_held"] > 0


def test_same_seed_same_bits(small, tmp_path):
    def weights(name, *more):
        done = ravine("train", small, "-q", "-n", name, *more, cwd=tmp_path)
        assert done.returncode == OK, done.stderr
        return (tmp_path / "runs" / name / "weights.safetensors").read_bytes()

    more = ["--set", "model.dropout=0.2", "--set", "ema=0.9", "--set", "clip_norm=1"]
    one = weights("one", "-t1", *more)
    assert one == weights("again", "-t1", *more)
    assert one == weights("two", "-t2", *more)
    assert one != weights("other", "-t1", "--set", "seed=2", *more)
    cnn = ["--set", "model.name=cnn", "--set", "model.widths=[4]", "--set", "epochs=1"]
    assert weights("c1", "-t1", *cnn) == weights("c2", "-t2", *cnn)


def test_ema_is_shown_and_written(small, tmp_path):
    done = ravine("train", small, "--set", "ema=0.5", cwd=tmp_path)
    assert "averaged" in done.stdout
    data = (tmp_path / "runs/small/weights.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    names = {n for n in header if n != "__metadata__" and not n.startswith("ema.")}
    assert names and {"ema." + n for n in names} <= set(header)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_train_table(tmp_path, task):
    table(tmp_path, task)
    config = tmp_path / "table.yaml"
    config.write_text(f"""\
epochs: 60
batch_size: 16
data: {{format: csv, file: table.csv, target: y, task: {task}}}
model: {{widths: [32]}}
optimizer: adamw lr=0.01
""")
    done = ravine("train", config, "--json", "-q", cwd=tmp_path)
    assert done.returncode == OK, done.stderr
    test = json.loads(done.stdout)["test"]
    if task == "classification":
        assert test["accuracy"] >= 0.9
    else:
        assert test["rmse"] <= 0.15


def test_a_deep_network(small, tmp_path):
    widths = [4] * 256
    done = ravine("train", small, "-q", "--set", f"model.widths={widths}", cwd=tmp_path)
    assert done.returncode == OK, done.stderr
    more = [f"--set=model.widths={[4] * 257}"]
    told = "model.widths has 257 numbers; it may have 256"
    fails(USAGE, told, args=["train", small, *more], cwd=tmp_path)
    assert "at most 256" in ravine("train", "--keys").stdout


def test_a_table_from_a_german_spreadsheet(tmp_path):
    """Semicolons and decimal commas are seen; one that could part thousands is asked about."""
    (tmp_path / "t.csv").write_text("a;b;y\n1,5;2;3\n2,5;3;4\n3,5;4;5\n1,5;4;4\n2,5;2;3\n")
    keys = ["format=csv", "file=t.csv", "target=y", "task=regression"]
    train = ["train", *(f"--set=data.{key}" for key in keys), "--set=epochs=1"]
    assert "1 with decimal commas" in ravine(*train, cwd=tmp_path).stdout
    told = "it looks split by ';': set data.delimiter"
    fails(INPUT, told, args=[*train, "--set=data.delimiter=,"], cwd=tmp_path)
    text = (tmp_path / "t.csv").read_text().replace(",5;", ",500;")
    (tmp_path / "t.csv").write_text(text)
    fails(INPUT, "'1,500' has a comma that may", "data.decimal: comma", args=train, cwd=tmp_path)
    assert ravine(*train, "--set=data.decimal=comma", cwd=tmp_path).returncode == OK


@pytest.mark.parametrize("command", ["train", "find-lr"])
def test_nothing_says_what_to_train(tmp_path, command):
    """Ten epochs of a known data set are not what was meant."""
    told = (
        f"{command} needs a CONFIG.yaml, for example examples/fashion_mlp.yaml, or --set KEY=VALUE"
    )
    fails(USAGE, told, args=[command], cwd=tmp_path)
    fails(USAGE, told, args=[command, "-t", "1"], cwd=tmp_path, env={"RAVINE_THREADS": "2"})
    nothing_left(tmp_path)
    fails(INPUT, "cannot open none", args=[command, "--set=data.train_images=none"], cwd=tmp_path)
    fails(INPUT, "none", args=[command], cwd=tmp_path, env={"RAVINE_DATA_TRAIN_IMAGES": "none"})
    assert ravine("train", "--print-config").returncode == OK


def test_precedence_and_print_config(small, tmp_path):
    def epochs(*args, **env):
        shown = ravine("train", small, "--print-config", "--json", *args, cwd=tmp_path, env=env)
        return json.loads(shown.stdout)["epochs"]

    assert epochs() == {"value": 3, "origin": f"{small}:2:9"}
    assert epochs(RAVINE_EPOCHS="5") == {"value": 5, "origin": "RAVINE_EPOCHS"}
    assert epochs("--set", "epochs=6", RAVINE_EPOCHS="5") == {"value": 6, "origin": "--set"}
    shown = ravine("train", small, "--print-config", "-t2", cwd=tmp_path).stdout
    assert re.search(r"^threads: 2 +# --threads$", shown, re.M)
    assert re.search(r"^seed: 1 +# default$", shown, re.M)
    again = tmp_path / "again.yaml"
    again.write_text(shown)  # what is printed is itself a configuration
    assert ravine("train", again, "--print-config", cwd=tmp_path).returncode == OK
    nothing_left(tmp_path)


# ---- bad input: one line, the right code, nothing half-written -----------------------------------


def bad(small, code, *parts, sets=(), env=None):
    folder = small.parent
    args = ["train", small.name, *(word for s in sets for word in ("--set", s))]
    fails(code, *parts, args=args, cwd=folder, env=env)
    nothing_left(folder)


def test_bad_settings(small):
    bad(small, USAGE, "optimizer", "beta2", "1.5", "[0, 1)", sets=["optimizer=adamw beta2=1.5"])
    bad(small, USAGE, "optimizer", "betta", sets=["optimizer=adamw betta=1"])
    bad(small, USAGE, "optimizer", "adamm", sets=["optimizer=adamm"])
    bad(small, USAGE, "schedule.lr", "cosin", sets=["schedule.lr=cosin(10)"])


def test_bad_keys(small):
    text = small.read_text()
    small.write_text(text.replace("widths: [16]", "widhts: [16]"))
    bad(small, USAGE, "small.yaml:10:", "model.widhts", "nearest is model.widths")
    small.write_text(text.replace("epochs: 3", "epochs: 0"))
    bad(small, USAGE, "small.yaml:2:9", "epochs is 0", "[1, 1000000]")
    small.write_text("epochs: [1\n")
    bad(small, INPUT, "small.yaml:2:1", "not YAML")
    small.write_text("")
    bad(small, INPUT, "small.yaml", "empty")
    small.write_text(text)
    bad(small, USAGE, "RAVINE_BATCH_SIZE", "many", env={"RAVINE_BATCH_SIZE": "many"})
    small.unlink()
    bad(small, INPUT, "small.yaml", "No such file")


def test_bad_images(small, tmp_path):
    whole = (tmp_path / "train-images.gz").read_bytes()
    (tmp_path / "train-images.gz").write_bytes(whole[: len(whole) // 2])
    bad(small, INPUT, "train-images.gz")
    (tmp_path / "train-images.gz").write_bytes(b"")
    bad(small, INPUT, "train-images.gz", "empty")
    (tmp_path / "train-images.gz").write_bytes(whole)
    idx(tmp_path / "train-labels.gz", (300,), [0] * 300)
    bad(small, INPUT, "train-labels.gz", "356", "300")


def test_bad_tables(small, tmp_path):
    path = table(tmp_path)
    text = path.read_text()
    sets = [
        "data.format=csv",
        "data.file=table.csv",
        "data.target=y",
        "data.task=regression",
        "data.numeric_columns=[a, b]",
    ]
    path.write_text(text.replace("\n", "\nword,1,up,1\n", 1))
    bad(small, INPUT, "table.csv", "word", "a", sets=sets)
    path.write_text(text.replace("\n", "\nnan,1,up,1\n", 1))
    bad(small, INPUT, "table.csv", "nan", sets=sets)
    path.write_text("")
    bad(small, INPUT, "table.csv", "empty", sets=sets)
    path.write_text(text)
    bad(small, USAGE, "table.csv", "z", sets=[*sets, "data.target=z"])


def test_unwritable_run_folder(small, tmp_path):
    (tmp_path / "file").write_text("in the way")
    bad(small, INPUT, "folder file", "File exists", sets=["runs_dir=file"])
    assert (tmp_path / "file").read_text() == "in the way"
    bad(small, INPUT, "/proc/runs", sets=["runs_dir=/proc/runs"])


def test_divergence(small, tmp_path):
    done = ravine(
        "train", small, "--set", "optimizer=sgd", "--set", "schedule.lr=1e30", cwd=tmp_path
    )
    assert done.returncode == DIVERGED, done.stderr
    assert "diverged" in done.stderr and "runs/small/run.jsonl" in done.stderr
    assert run_lines(tmp_path / "runs/small")[-1]["event"] == "diverged"
    assert not (tmp_path / "runs/small/weights.safetensors").exists()


# ---- on a terminal -------------------------------------------------------------------------------


class Terminal:
    """The command on a pseudo-terminal of `columns` columns."""

    def __init__(self, *args, cwd, columns=100, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            import fcntl
            import termios

            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(
                RAVINE, [str(RAVINE), *map(str, args)], environment(**{"TERM": "xterm", **env})
            )
        self.text = ""

    def read(self, until=None, seconds=30):
        """Reads to the end, or until the pattern has appeared."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and re.search(until, self.text)):
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
            self.text += chunk.decode()
        return self.text

    def end(self):
        self.read()
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


LONG = ["--set", "epochs=100000", "--set", "log_every=1000"]


@pytest.mark.parametrize("columns", [100, 60, 20])
def test_live_line_fits_and_vanishes(small, tmp_path, columns):
    terminal = Terminal("train", small, "--set", "epochs=100", cwd=tmp_path, columns=columns)
    assert terminal.end() == OK
    live = re.findall(r"\r([^\r\n]*)\x1b\[K", terminal.text)
    drawn = [line for line in live if line]
    assert drawn and all(len(line) < columns for line in drawn)
    assert drawn[0].startswith("epoch ")
    if columns == 100:
        assert re.match(
            r"epoch \d+/100  step \d+/1000  loss [\d.]+  \|g\| \S+  lr \S+  [\d,]+ images/s"
            r"  \d+:\d\d left$",
            drawn[0],
        )
    assert not re.search("left|testing", screen(terminal.text))


def screen(text):
    """What stays on a terminal: carriage return, erase to the end of the line, new line."""
    lines, column = [""], 0
    for part in re.findall(r"\x1b\[K|.", text, re.S):
        if part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif part == "\r":
            column = 0
        elif part == "\n":
            lines.append("")
        else:
            lines[-1] = lines[-1][:column] + part + lines[-1][column + 1 :]
            column += 1
    return "\n".join(lines)


def test_interrupt_keeps_and_says_so(small, tmp_path):
    terminal = Terminal("train", small, *LONG, cwd=tmp_path)
    terminal.read(until="epoch 3")
    os.write(terminal.fd, b"\x03")  # Ctrl-C, through the terminal
    assert terminal.end() == INTERRUPTED
    assert "interrupted at step" in terminal.text
    assert "to go on: ravine train --resume runs/small" in terminal.text
    folder = tmp_path / "runs/small"
    assert (folder / "weights.safetensors").stat().st_size > 0
    assert run_lines(folder)[-1]["event"] == "interrupted"


def test_terminate_is_the_same(small, tmp_path):
    process = subprocess.Popen(
        [RAVINE, "train", small, *LONG],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "    2 " not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED and "interrupted" in errors


def test_no_color(tmp_path):
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        terminal = Terminal("schedule", "warmup(10) linear(90, to=0) lr=1", cwd=tmp_path, **env)
        assert terminal.end() == OK
        assert "\x1b[3" not in terminal.text
    assert "\x1b" not in ravine("schedule", "1e-3", "--steps", "9").stdout


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
