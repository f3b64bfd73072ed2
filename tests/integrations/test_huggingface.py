# SPDX-License-Identifier: Apache-2.0
"""The callback in the Trainer of Hugging Face."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import ravine
import torch
from cases import TOO_HIGH, assert_untouched, same_bits, wants_other_lr

transformers = pytest.importorskip("transformers")

from ravine.integrations.huggingface import RavineCallback
from transformers import BertConfig, BertForSequenceClassification, TrainingArguments


class Sentences(torch.utils.data.Dataset):
    """Twelve words each; how many of the first two are of the upper half is to be told."""

    def __init__(self, examples, seed):
        random = torch.Generator().manual_seed(seed)
        self.words = torch.randint(5, 60, (examples, 12), generator=random)
        self.labels = (self.words[:, :2] > 31).sum(1)

    def __len__(self):
        return len(self.words)

    def __getitem__(self, k):
        return {"input_ids": self.words[k], "labels": self.labels[k]}


def bert():
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(
        vocab_size=60, intermediate_size=64, max_position_embeddings=16, num_labels=3, **sizes
    )
    return BertForSequenceClassification(config)


def trainer_of(folder, callback, kind=transformers.Trainer, optimizers=(None, None), **settings):
    arguments = {
        "max_steps": 40,
        "learning_rate": 1e-3,
        "per_device_train_batch_size": 32,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "logging_steps": 20,
    }
    return kind(
        settings.pop("model", None) or bert(),
        TrainingArguments(str(folder), **(arguments | settings)),
        train_dataset=Sentences(2000, 1),
        eval_dataset=Sentences(256, 2),
        callbacks=[callback] if callback else [],
        optimizers=optimizers,
    )


class Spoiled(transformers.Trainer):
    """Its loss is no number from a step on."""

    STEP = 6

    def compute_loss(self, *args, **kwargs):
        loss = super().compute_loss(*args, **kwargs)
        return loss * math.nan if self.state.global_step >= self.STEP else loss


def test_no_bit_of_the_training_changes(tmp_path):
    def run(callback):
        trainer = trainer_of(tmp_path, callback, eval_strategy="steps", eval_steps=10)
        trainer.train()
        return list(trainer.model.parameters()), torch.get_rng_state()

    callback = RavineCallback()
    (plain, before), (watched, after) = run(None), run(callback)
    assert callback.diagnosis.step == 40
    assert same_bits(plain, watched) and torch.equal(before, after)


def test_a_healthy_training(tmp_path, capsys):
    page = tmp_path / "ravine.html"
    callback = RavineCallback(report=page)
    trainer = trainer_of(tmp_path, callback, max_steps=200, eval_strategy="steps", eval_steps=50)
    trainer.train()
    assert callback.verdicts == [] and callback.diagnosis.verdict == "healthy"
    said = capsys.readouterr().err
    assert said.count("ravine:") == 1 and "ravine: at the end, step 200: Training goes well" in said
    assert "The training ended at step 200: healthy" in page.read_text()
    assert not any("ravine" in key for line in trainer.state.log_history for key in line)


def test_a_loss_that_is_no_number_ends_it(tmp_path, capsys):
    callback = RavineCallback(tmp_path / "ravine.html", stop_on="urgent", checkpoint_on="nonfinite")
    trainer = trainer_of(tmp_path, callback, Spoiled)
    trainer.train()
    assert [(d.verdict, d.step) for d in callback.verdicts] == [("nonfinite", 7)]
    assert trainer.state.global_step == 7 and (tmp_path / "checkpoint-7").is_dir()
    (logged,) = [line for line in trainer.state.log_history if "ravine/nonfinite" in line]
    assert logged["step"] == 7 and logged["ravine/severity"] == 3
    assert "ravine: step 7: The loss or a gradient is not a number" in capsys.readouterr().err
    assert "not a number" in (tmp_path / "ravine.html").read_text()


def test_a_learning_rate_that_is_far_too_high(tmp_path):
    callback = RavineCallback()
    trainer_of(tmp_path, callback, learning_rate=10.0).train()
    first = callback.verdicts[0]
    assert first.verdict in TOO_HIGH and first.step <= 16 and wants_other_lr(first, lower=True)


def test_a_model_that_the_optimizer_does_not_have(tmp_path):
    model = bert()
    optimizer = torch.optim.AdamW(model.classifier.parameters(), lr=1e-3)
    callback = RavineCallback(stop_on=["not_connected"])
    trainer = trainer_of(tmp_path, callback, model=model, optimizers=(optimizer, None))
    trainer.train()
    assert [d.verdict for d in callback.verdicts] == ["not_connected"]
    assert trainer.state.global_step == 2


@pytest.mark.parametrize("batches", [1, 4])
def test_each_step_has_its_own_loss(tmp_path, batches):
    """Of accumulated batches the sum, as in the Trainer's log, which has their mean over steps."""
    callback = RavineCallback()
    seen = []
    trainer = trainer_of(
        tmp_path, callback, gradient_accumulation_steps=batches, max_steps=10, logging_steps=1
    )
    watch = RavineCallback.on_train_begin

    def begin(self, *args, **kwargs):
        watch(self, *args, **kwargs)
        source = self._beside.doctors[0]._source
        observe = source.observe
        source.observe = lambda doctor, loss: (seen.append(loss), observe(doctor, loss))

    callback.on_train_begin = begin.__get__(callback)
    trainer.train()
    logged = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert len(seen) == 10 and seen == pytest.approx(logged, rel=1e-5)


def test_facts_that_the_trainer_knows(tmp_path):
    callback = RavineCallback(classes=3)
    trainer = trainer_of(tmp_path, callback, max_steps=20, max_grad_norm=0.5, eval_strategy="epoch")
    facts = {}

    class Look(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            facts.update(callback._beside.doctors[0].facts)

    trainer.add_callback(Look())
    trainer.train()
    assert facts["total_steps"] == 20 and facts["clip_norm"] == 0.5 and facts["classes"] == 3
    assert facts["lr_end"] == pytest.approx(0.0, abs=1e-9) and "resumed" not in facts


def test_a_training_that_goes_on(tmp_path):
    trainer_of(tmp_path, None, max_steps=20, save_strategy="steps", save_steps=20).train()
    callback = RavineCallback(on_verdict=lambda found: None)
    trainer = trainer_of(tmp_path, callback, max_steps=60)
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-20"))
    assert callback.verdicts == [] and callback.diagnosis.step == 60


def test_it_goes_without_a_trace(tmp_path):
    callback = RavineCallback()
    trainer = trainer_of(tmp_path, callback, max_steps=3)
    trainer.train()
    assert "backward" not in vars(trainer.accelerator)
    assert_untouched(trainer.optimizer.optimizer, trainer.model)
    trainer.train()  # and it watches again; AdamW counts on
    assert callback.diagnosis.step == 6


def test_the_losses_of_a_trainer_with_a_loss_of_its_own(tmp_path):
    """compute_loss_func, and a model whose own loss the Trainer does not use."""
    callback = RavineCallback()
    trainer = trainer_of(tmp_path, callback, max_steps=8)
    trainer.compute_loss_func = lambda outputs, labels, **kwargs: outputs.logits.square().mean()
    trainer.train()
    assert callback.diagnosis.step == 8
    assert not any("no loss was told" in line for line in callback.diagnosis.cannot_tell)


def test_a_loss_that_measures_nothing_is_not_judged(tmp_path, capsys):
    """As TRL's GRPOTrainer has it; what needs no loss is said."""

    class GRPOTrainer(transformers.Trainer):
        def compute_loss(self, *args, **kwargs):
            loss = super().compute_loss(*args, **kwargs)
            return loss - loss.detach()

    callback = RavineCallback(tmp_path / "ravine.html")
    trainer_of(tmp_path, callback, GRPOTrainer).train()
    assert callback.verdicts == [] and callback.diagnosis.verdict == "unclear"
    assert "look at the reward" in callback.diagnosis.text and not callback.diagnosis.cures
    assert "look at the reward" in capsys.readouterr().err

    class Spoilt(Spoiled, GRPOTrainer):
        pass

    callback = RavineCallback(stop_on="urgent")
    trainer_of(tmp_path, callback, Spoilt).train()
    assert [d.verdict for d in callback.verdicts] == ["nonfinite"]
    assert callback.diagnosis.verdict == "nonfinite"


def test_what_is_missing_is_said_in_the_words_of_the_trainer(tmp_path):
    callback = RavineCallback()
    trainer_of(tmp_path, callback, max_steps=4).train()
    assert callback.diagnosis.verdict == "unclear"
    assert any("eval_strategy" in line for line in callback.diagnosis.cannot_tell)
    assert not any("doctor." in line for line in callback.diagnosis.cannot_tell)


def test_what_cannot_be_watched_is_trained_all_the_same(tmp_path, capsys, monkeypatch):
    def refuses(*arguments, **options):
        raise AttributeError("it has no hooks")

    monkeypatch.setattr("ravine.integrations.huggingface.watch", refuses)
    callback = RavineCallback(tmp_path / "ravine.html", stop_on="urgent")
    trainer = trainer_of(tmp_path, callback, max_steps=4)
    trainer.train()
    assert trainer.state.global_step == 4 and callback.diagnosis is None
    assert "ravine: nothing is watched: AttributeError: it has no hooks" in capsys.readouterr().err


def test_facts_and_windows_that_there_are_not():
    with pytest.raises(ravine.ArgumentError, match="there is no fact colour; there are"):
        RavineCallback(colour=3)
    with pytest.raises(ravine.RangeError, match="window"):
        RavineCallback(window=3)


def test_verdicts_that_there_are_not():
    with pytest.raises(ravine.ArgumentError, match="stop_on: there is no verdict bouncy; there"):
        RavineCallback(stop_on=["bouncy"])


def test_one_of_two_processes_speaks_and_both_stop(tmp_path):
    """DistributedDataParallel by torchrun on two processes with gloo."""
    program = Path(__file__).with_name("huggingface_ranks.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ran = subprocess.run([*command, program, tmp_path], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("ravine:") == 1 and "ravine: step 7: " in ran.stderr
    said = sorted(line for line in ran.stdout.split() if line.startswith("rank"))
    assert said == ["rank0:7:1", "rank1:7:0"]
