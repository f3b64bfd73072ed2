# SPDX-License-Identifier: Apache-2.0
"""Complaints of training by reward: groups of answers, and advantages within them (GRPO)."""

import torch

from complaints.parts import VOCABULARY, watched

LENGTH, GROUP, PROMPTS = 6, 8, 4
WANTED = 3  # the token that an answer should have


class Policy(torch.nn.Module):
    """Draws answers token by token; each token depends on the prompt and on its place."""

    def __init__(self):
        """Every token is as likely as every other."""
        super().__init__()
        torch.manual_seed(0)
        self.prompts = torch.nn.Embedding(PROMPTS, 32)
        self.head = torch.nn.Linear(32, LENGTH * VOCABULARY)

    def forward(self, prompts):
        """Logarithms of probabilities, [prompts, LENGTH, VOCABULARY]."""
        logits = self.head(self.prompts(prompts)).view(-1, LENGTH, VOCABULARY)
        return logits.log_softmax(-1)


def group_relative(reward, steps, rate, tell_reward=False):
    """A policy gradient with advantages within groups: the diagnosis, and the last mean reward."""
    model = Policy()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    doctor = watched(optimizer, model)
    random = torch.Generator().manual_seed(1)
    prompts = torch.arange(PROMPTS).repeat_interleave(GROUP)
    rewards = []
    for _ in range(steps):
        optimizer.zero_grad()
        chances = model(prompts)
        with torch.no_grad():
            flat = chances.exp().flatten(0, 1)
            answers = torch.multinomial(flat, 1, generator=random).view(-1, LENGTH)
            gained = reward(answers).view(PROMPTS, GROUP)
            centered = gained - gained.mean(1, keepdim=True)
            advantages = (centered / (gained.std(1, keepdim=True) + 1e-4)).flatten()
        rewards.append(float(gained.mean()))
        likely = chances.gather(2, answers[..., None])[..., 0].mean(1)
        # The ratio to the policy that drew is 1 in each first step, as in GRPO.
        loss = -(advantages * (likely - likely.detach()).exp()).mean()
        doctor.tell(-rewards[-1] if tell_reward else loss)
        loss.backward()
        optimizer.step()
    return doctor.diagnosis, sum(rewards[-20:]) / 20


def right_answers(answers):
    """The share of tokens that are the wanted one."""
    return (answers == WANTED).float().mean(1)


def unreachable(answers):
    """A format that no answer has: the reward is 0 for all."""
    return (answers >= VOCABULARY).all(1).float()


def reward_of_zero(mended):
    """Every answer of every group has the same reward, so that no answer is better."""
    return group_relative(right_answers if mended else unreachable, 200, 1e-2)


def reward_collapse(mended):
    """A rate so high that the policy says one thing after a few steps, right or wrong."""
    return group_relative(right_answers, 300, 1e-2 if mended else 1.0)


def reward_told(mended):
    """The same, and the doctor is told the reward in place of the loss."""
    return group_relative(right_answers, 300, 1e-2 if mended else 1.0, tell_reward=True)
