# SPDX-License-Identifier: Apache-2.0
"""`ravine export -o model.h`: compiled by others' rules, it answers as `ravine predict` does."""

import json
import shutil
import struct
import subprocess

import numpy as np
import pytest
import safetensors.numpy
from trained import IMAGES, KINDS, flowers, make, pixels_of, predicted, ravine, read, rows_of, train

STRICT = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
C99 = ["gcc", "-std=c99", *STRICT]
CPP = ["g++", "-std=c++11", *STRICT]

# Examples from stdin until it ends, outputs to stdout; a line of words: their places.
PROGRAM = """
#include "NAME.h"
#include <stdio.h>
#include <string.h>
static float work[UPPER_WORK];
int main(int argc, char **argv) {
    TYPE in[UPPER_SIZE];
    double out[UPPER_OUTPUTS];
    (void)argv;
    WORDS
    while (fread(in, sizeof in, 1, stdin) == 1) {
        PREDICT
        fwrite(out, sizeof out, 1, stdout);
    }
    return argc - argc;
}
"""
OF_ROWS = """
        const int wrong = NAME_predict(in, work, out);
        if (wrong) { printf("%d", wrong); return 1; }"""
OF_PIXELS = "NAME_predict(in, work, out);"
OF_WORDS = 'if (argc > 2) { printf("%g", NAME_place(argv[1][0] - 48, argv[2])); return 0; }'


def build(folder, run, kind, compiler=C99, *more, define="RAVINE_OTHER"):
    """A program of the header that the run becomes."""
    name, images = "my_net", kind in IMAGES
    ravine("export", run, "-o", folder / "my-net.h", *more)
    text = PROGRAM.replace("PREDICT", OF_PIXELS if images else OF_ROWS)
    text = text.replace("WORDS", "" if images else OF_WORDS)
    text = text.replace("TYPE", "unsigned char" if images else "double")
    text = text.replace("SIZE", "PIXELS" if images else "COLUMNS")
    text = text.replace("NAME.h", "my-net.h").replace("NAME", name).replace("UPPER", name.upper())
    source = folder / f"main.{'c' if compiler == C99 else 'cpp'}"
    source.write_text(text)
    program = folder / "program"
    sanitized = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover"]
    subprocess.run(
        [*compiler, *sanitized, f"-D{define}", source, "-o", program, "-lm"],
        check=True,
        timeout=120,
    )
    return program


def values(run, file):
    """Rows of a table as what a C program gives: words as their places."""
    encoding = json.loads((run / "encoding.json").read_text())
    columns, gaps = encoding["columns"], {"", *encoding.get("missing_markers", [])}

    def value(column, text):
        if "words" in column:
            return column["words"].index(text)
        return np.nan if text in gaps else float(text)

    return np.array([[value(c, row[c["name"]]) for c in columns] for row in rows_of(file)])


def ask(program, examples, outputs):
    done = subprocess.run([program], input=examples.tobytes(), capture_output=True, timeout=120)
    assert done.returncode == 0, (done.stdout[-20:], done.stderr)
    return np.frombuffer(done.stdout).reshape(-1, outputs)


def assert_close(run, got, expected, most=1e-6):
    """Probabilities to a millionth; values to a millionth of what they vary by."""
    target = json.loads((run / "encoding.json").read_text())["target"]
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= most * max(1, target.get("deviation", 0))


@pytest.mark.parametrize("compiler", [C99, CPP], ids=["c99", "c++"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_predict_does(tmp_path, kind, compiler):
    run, file = make(tmp_path, kind)
    for more in [], ["--averaged"]:
        program = build(tmp_path, run, kind, compiler, *more)
        examples = pixels_of(file) if kind in IMAGES else values(run, file)
        expected = predicted(run, file, *more)
        assert_close(run, ask(program, examples, expected.shape[1]), expected)


def test_sums_in_float_round_more(tmp_path):
    run, file = make(tmp_path, "kwh")
    program = build(tmp_path, run, "kwh", define="RAVINE_NET_SUM=float")
    assert_close(run, ask(program, values(run, file), 1), predicted(run, file), 1e-5)


def test_images_in_colour_lie_as_in_a_file(tmp_path):
    """IDX has [channels, height, width], C [height, width, channels]."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 3, 6, 5)).astype(np.uint8)
    labels = (pixels[:, 1].mean(axis=(1, 2)) > 128).astype(np.uint8)
    paths = {}
    for kind, array in (("images", pixels), ("labels", labels)):
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        path = tmp_path / kind
        path.write_bytes(head + array.tobytes())
        paths |= {f"data__{part}_{kind}": path for part in ("train", "test")}
    run = train(tmp_path, "rgb", **paths, model__name="cnn", model__widths="[4]", epochs=1)
    program = build(tmp_path, run, "cnn")
    expected = predicted(run, paths["data__test_images"])
    assert_close(run, ask(program, pixels.transpose(0, 2, 3, 1), 2), expected)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    run, file = make(folder, "words")
    return build(folder, run, "words"), values(run, file)


def test_a_word_becomes_its_place(words):
    for column, word, place in (
        ("3", "red", {0, 1}), ("3", "green, dark", {0, 1}), ("3", "mauve", {-1}), ("0", "red", {-1})
    ):  # fmt: skip
        told = subprocess.run([words[0], column, word], capture_output=True, check=True).stdout
        assert int(told) in place


@pytest.mark.parametrize("column,value", [(0, np.nan), (1, np.inf), (1, 1e101), (0, 1e99),
                                          (3, -1), (3, 2), (3, 0.5), (4, np.nan)])  # fmt: skip
def test_a_value_that_cannot_be_used_names_its_column(words, column, value):
    program, rows = words
    row = rows[0].copy()
    row[column] = value
    done = subprocess.run([program], input=row.tobytes(), capture_output=True)
    assert (done.returncode, done.stdout) == (1, str(column + 1).encode()), done.stderr


def test_names_that_would_break_a_comment_or_a_string(tmp_path):
    odd = ["a*/ int x; /*", 'b"\\', "c??/", "d\u202e\u00e9", "%s %n"]
    rows = [[k, "w*/" if k % 2 else 'v"\\n??/', k % 7, k % 5, k % 3, "no" if k % 4 else "*/"]
            for k in range(60)]  # fmt: skip
    file = tmp_path / "odd.csv"
    quoted = [['"' + str(f).replace('"', '""') + '"' for f in row] for row in [[*odd, "t"], *rows]]
    file.write_text("\n".join(",".join(row) for row in quoted) + "\n")
    run = train(tmp_path, "odd", data__format="csv", data__file=file, data__target="t", epochs=1)
    program = build(tmp_path, run, "odd")
    assert_close(run, ask(program, values(run, file), 2), predicted(run, file))


def test_two_networks_in_one_program(tmp_path):
    run, _ = make(tmp_path, "numbers")
    for name in ("first", "2nd"):
        ravine("export", run, "-o", tmp_path / f"{name}.h")
    (tmp_path / "main.c").write_text(
        '#include "first.h"\n#include "2nd.h"\n#include "first.h"\n'
        "int main(void) { return (int)FIRST_WORK - (int)N2ND_WORK; }\n"
    )
    subprocess.run([*C99, "main.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "main"], check=True)


def test_a_text_is_refused_and_nothing_is_left(tmp_path):
    run, _ = read(tmp_path, epochs=1)
    told = ravine("export", run, "-o", tmp_path / "text.h", code=2)
    assert f"{run}: export to C writes networks of tables and images" in told
    assert not (tmp_path / "text.h").exists()


def test_weights_that_are_not_finite_are_refused(tmp_path):
    file = flowers(tmp_path / "flowers.csv", False)
    run = train(tmp_path, "nan", data__format="csv", data__file=file, data__target="species",
                model__widths="[4]", epochs=1)  # fmt: skip
    path = run / "weights.safetensors"
    weights = safetensors.numpy.load_file(path)
    weights["layer1.bias"] = weights["layer1.bias"].copy()
    weights["layer1.bias"][2] = np.nan
    shutil.copy(path, tmp_path / "kept")
    safetensors.numpy.save_file(weights, path)
    told = ravine("export", run, "-o", tmp_path / "nan.h", code=3)
    assert "number 3 of layer1.bias is not finite" in told
    assert not (tmp_path / "nan.h").exists()
