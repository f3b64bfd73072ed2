# SPDX-License-Identifier: Apache-2.0
"""The commonest complaints about training, each as the mistake that makes it: docs/stuck/.

A training here is small, and wrong in the way in which people's trainings are wrong. complaints.py
lists them with the page of each and with the answers that count as right, which were written before
the first run.
"""
