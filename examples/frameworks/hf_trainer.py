# SPDX-License-Identifier: Apache-2.0
"""A script for the Trainer of Hugging Face, as it was but for the two lines that are marked.

Needs transformers and accelerate: pip install ravine transformers accelerate. Nothing is
downloaded: the model is made from a configuration, and the sentences by a generator.
"""

import torch
from ravine.integrations.huggingface import RavineCallback  # added
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments


class Sentences(torch.utils.data.Dataset):
    """Of numbers for words; how many of the first two are large is to be told."""

    def __init__(self, examples, seed):
        random = torch.Generator().manual_seed(seed)
        self.words = torch.randint(5, 60, (examples, 12), generator=random)
        self.labels = (self.words[:, :2] > 31).sum(1)

    def __len__(self):
        return len(self.words)

    def __getitem__(self, k):
        return {"input_ids": self.words[k], "labels": self.labels[k]}


torch.manual_seed(0)
config = BertConfig(
    vocab_size=60,
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
    num_labels=3,
)
arguments = TrainingArguments(
    "runs/hf_trainer",
    num_train_epochs=3,
    per_device_train_batch_size=32,
    learning_rate=10,  # meant was 1e-3
    eval_strategy="epoch",
    save_strategy="no",
    report_to="none",
)
trainer = Trainer(
    BertForSequenceClassification(config),
    arguments,
    train_dataset=Sentences(2000, 1),
    eval_dataset=Sentences(256, 2),
    callbacks=[RavineCallback(stop_on=["warmup_needed", "diverging"])],  # added
)
trainer.train()
