# SPDX-License-Identifier: Apache-2.0
"""A script for the Trainer of Lightning, as it was but for the two lines that are marked.

Needs lightning: pip install ravine lightning.
"""

import lightning
import torch
from ravine.integrations.lightning import RavineCallback  # added
from torch import nn
from torch.nn import functional as F


class Net(lightning.LightningModule):
    """Three classes of eight numbers."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.body(x))

    def training_step(self, batch, index):
        x, y = batch
        return F.cross_entropy(self(x), y)

    def validation_step(self, batch, index):
        x, y = batch
        self.log("val_loss", F.cross_entropy(self(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.head.parameters(), lr=3e-3)  # meant was self.parameters()


def loader(examples, seed, shuffle):
    """Rows, and the class that a linear map gives them."""
    truth = torch.randn(8, 3, generator=torch.Generator().manual_seed(5))
    x = torch.randn(examples, 8, generator=torch.Generator().manual_seed(seed))
    data = torch.utils.data.TensorDataset(x, (x @ truth).argmax(1))
    return torch.utils.data.DataLoader(data, 32, shuffle=shuffle)


torch.manual_seed(0)
trainer = lightning.Trainer(
    max_epochs=2,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    callbacks=[RavineCallback(stop_on="urgent")],  # added
)
trainer.fit(Net(), loader(2000, 1, shuffle=True), loader(256, 2, shuffle=False))
