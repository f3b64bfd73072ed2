# SPDX-License-Identifier: Apache-2.0
"""Asks the doctor about the runs of the outside battery, and counts how often it is right."""
