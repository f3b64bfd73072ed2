# SPDX-License-Identifier: Apache-2.0
"""The doctor outside its own battery: a small part of `make doctor-outside`, and how it is counted.

What is asked for is below what the whole battery measures (docs/doctor_outside.md): a change that
makes the doctor much worse is noticed here.
"""

import json
import sys
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/doctor"))
from asked import advice, asking, page, score
from asked.__main__ import seeds_of
from outside import cases
from outside.answers import judge
from outside.causes import BROKEN
from ravine import _api
from ravine._library import lib

WORDS = {lib.ravine_verdict_word(k).decode() for k in range(_api.RAVINE_VERDICT_COUNT)}
SEED = 1
TORCH = """
rate_too_high-100-factors-momentum rate_too_low-1000-table_counts-adam
accumulation_summed-16-table_energy-sgd momentum_high-0.999-table_linear-momentum
clip_small-0.001-image_dense-sgd rate_zero-image_dense-sgd schedule_over-0.05-table_energy-sgd
warmup_endless-1000-table_energy-sgd decay_strong-30-table_classes-adamw
update_lost-100-table_energy-sgd unscaled_inputs-100-table_energy-sgd
labels_masked-table_energy-sgd labels_shuffled-image_dense-adam few_examples-64-image_dense-momentum
nan_example-table_bands-adamw dead_relu-12-table_counts-rmsprop frozen-image_dense-adam
other_parameters-image_dense-sgd part_missing-image_dense-momentum
zeroed_before_step-image_dense-adam
never_zeroed-table_energy-sgd ascent-table_energy-sgd softmax_twice-image_dense-adam
log_of_zero-1-table_linear-sgd symmetric-0.02-table_counts-sgd noise_floor-10-table_linear-adam
usual-table_linear-sgd usual-image_dense-adam warmup_cosine-table_linear-adam
cyclic-table_linear-sgd restarts-table_energy-momentum likelihood-table_bands-lion
converged-1.5-table_counts-adam plateau-1-sums-momentum sparse-16-factors-sgd
batch_of_one-0.3-table_linear-adam
""".split()
COMMAND = """
train-rate_too_high-100-prices-momentum train-rate_too_low-1000-classes-adam
train-clip_small-0.0001-classes-momentum train-rate_zero-classes-sgd
train-decay_strong-1-prices-sgd train-labels_shuffled-classes-adamw
train-warmup_endless-prices-momentum train-dropout_heavy-0.95-prices-momentum
train-usual-classes-adamw train-warmup_cosine-prices-lion train-restarts-classes-adamw
train-step_decay-classes-adam
""".split()


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Words by case: what was said live at the end, and from the log; each with its grade."""
    folder = tmp_path_factory.mktemp("asked")
    jobs = {job.case.name: job for job in asking.jobs_of(folder, [SEED], "*")}
    found = {}
    for name in [*TORCH, *COMMAND]:
        job = jobs[name]
        place = folder / name / str(SEED)
        place.mkdir(parents=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(advice, "follow", lambda *_: None)  # no second training
            job.make(job.case, SEED, place)
        said = json.loads((place / "answers.json").read_text())
        case = job.case
        words = {"live": said["live"][-1]["word"], "log": said["log"]["word"]}
        found[name] = {
            how: (word, judge(case.cause, case.broken, word)) for how, word in words.items()
        }
    return found


def grades(asked, names, how):
    return [asked[name][how][1] for name in names]


def count(asked, names, how, *wanted):
    return sum(grade in wanted for grade in grades(asked, names, how))


def test_most_troubles_are_named(asked):
    said = {name: asked[name]["live"] for name in TORCH if is_broken(name)}
    assert count(asked, said, "live", "right", "near") >= 0.65 * len(said), said
    assert count(asked, said, "live", "silent") <= 4, said


def is_broken(name):
    return name.split("-")[name.startswith("train-")] in BROKEN


def test_fine_runs_are_left_in_peace(asked):
    fine = [name for name in [*TORCH, *COMMAND] if not is_broken(name)]
    assert count(asked, fine, "live", "alarm") <= 1, {name: asked[name] for name in fine}


def test_what_the_command_says_and_what_its_log_says(asked):
    broken = [name for name in COMMAND if is_broken(name)]
    for how in ("live", "log"):
        assert count(asked, broken, how, "right", "near") >= 5, {x: asked[x] for x in broken}


def run(cause, *words, broken=True, log="healthy", confidence=0.9, **more):
    truth = {"cause": cause, "broken": broken, "where": "torch", "seconds": 1.0}
    truth |= {"first_nonfinite": None, "ends_above_start": False} | more
    live = [
        {"step": 64 * (k + 1), "word": word, "confidence": confidence}
        for k, word in enumerate(words)
    ]
    return score.Asked(truth, live, {"step": 640, "word": log, "confidence": 0.5})


def test_runs_are_counted_by_what_was_said_last():
    first = run("rate_too_low", "crawling", "healthy")
    assert (first.end, first.first_right) == ("silent", 64)
    second = run("rate_too_low", "healthy", "update_lost", "crawling", log="bouncing")
    assert (second.end, second.of_log, second.first_right) == ("right", "wrong", 192)
    fine = run("usual", "bouncing", "healthy", broken=False)
    assert (fine.end, fine.alarms) == ("right", True)

    def end(x):
        return x.end

    assert score.share([first, second], end, "right") == 50
    assert score.mean_of_causes([first, second, run("rate_zero", "lr_zero")], end, "right") == 75
    assert run("rate_zero", "healthy", first_nonfinite=3).hopeless
    text = page.tables([first, second, fine], 3, [1])
    assert "| `rate_too_low` | 2 | 1 |  | 1 |  |  | 64 |" in text
    assert "| `usual` | 1 |  | 1 |  |  | healthy 1 |" in text


def test_calibration_is_the_distance_between_confidence_and_frequency():
    runs = [run("rate_zero", word) for word in ["lr_zero"] * 6 + ["bouncing"] * 3]
    runs += [run("rate_zero", "unclear"), run("rate_zero", "lr_zero", confidence=1.0)]
    bins = score.calibration(runs, lambda x: x.live[-1])
    (only,) = bins
    assert (only.low, only.runs, only.right) == (0.9, 10, 0.7)
    assert score.calibration_error(bins) == pytest.approx(abs(0.91 - 0.7))
    apart = [run("rate_zero", "lr_zero", confidence=0.55), run("rate_zero", "dead")]
    errors = score.calibration(apart, lambda x: x.live[-1])
    assert score.calibration_error(errors) == pytest.approx((0.45 + 0.9) / 2)


def test_a_run_is_asked_again_when_anything_changed(tmp_path, monkeypatch):
    (job,) = [
        x for x in asking.jobs_of(tmp_path, [1], "train-rate_zero-*") if x.case.task == "classes"
    ]
    assert not job.done
    job.folder.mkdir(parents=True)
    (job.folder / "answers.json").write_text(json.dumps({"made_of": asking.made_of()}))
    assert job.done
    monkeypatch.setattr(asking, "made_of", lambda: "another library")
    assert not job.done


def test_findings_of_other_tools_mean_words_that_there_are():
    sys.path.insert(0, str(ROOT / "bench/peers"))
    import meanings

    for tool, pattern, generous, strict in meanings.ROWS:
        assert (generous or frozenset()) | (strict or frozenset()) <= WORDS, (tool, pattern)
        if generous is not meanings.IGNORED:
            assert strict <= generous, (tool, pattern)
    spike, unknown = meanings.Finding("GS003 spike"), meanings.Finding("GS999 something")
    plateau = meanings.Finding("Plateau", info=True)
    assert "sigma_burst" in meanings.words_of("gradsnitch", spike, strict=True)
    assert meanings.words_of("gradsnitch", unknown, strict=False) == meanings.NOTHING
    assert meanings.is_alarm("gradsnitch", unknown, strict=False)
    assert "not_learning" in meanings.words_of("trainspotter", plateau, strict=False)
    assert meanings.words_of("trainspotter", plateau, strict=True) is meanings.IGNORED
    assert not meanings.is_alarm("trainspotter", plateau, strict=False)


def test_final_seeds_are_asked_for_by_name():
    assert seeds_of(["1", "3"], final=False) == [1, 3]
    assert seeds_of(["1"], final=True) == [9001, 9002, 9003]
    for text in ("9001", "final", "4"):
        with pytest.raises(ValueError):
            seeds_of([text], final=False)


def cure(optimizer, schedule="", action=_api.RAVINE_CURE_SETTINGS):
    return SimpleNamespace(action=action, optimizer=optimizer, schedule=schedule, text="")


def test_advice_is_followed_from_the_start():
    case = next(x for x in cases.Case.every() if x.name == "rate_too_high-100-table_counts-adam")
    lr = case.setup().lr
    setup = advice.followed(case.setup(), cure(f"adam lr={lr / 4:g} beta2=0.99"), lr_now=lr / 2)
    assert setup.lr == pytest.approx(lr / 2)  # half of what it was, where its schedule stood
    assert setup.options["betas"] == (0.9, 0.99)
    other = advice.followed(case.setup(), cure("sgd momentum=0.9", "constant(9) lr=0.2"), lr)
    assert (other.rule, other.lr * other.shape(0.5)) == ("momentum", 0.2)
    for none in (cure(""), cure("yogi"), cure("adam", action=_api.RAVINE_CURE_ADVICE)):
        assert advice.followed(case.setup(), none, lr) is None
    text = advice.follow(case, 1, {}, [cure("adam lr=0.1", "cosine(0) lr=1")], lr)
    assert text["outcome"] == "unreadable"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(1.0, 0.9, "better"), (1.0, 1.01, "same"), (1.0, 1.1, "worse"), (-1.0, -1.1, "better"),
     (None, 1.0, "better"), (1.0, None, "worse"), (None, None, "same")],
)  # fmt: skip
def test_what_advice_did_is_better_same_or_worse(before, after, said):
    runs = [{"looks": [{"clean": x}], "first_nonfinite": None} for x in (before, after)]
    assert advice.outcome(*runs) == said
