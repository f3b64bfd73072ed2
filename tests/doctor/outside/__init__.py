# SPDX-License-Identifier: Apache-2.0
"""The outside battery: trainings with one known trouble put in, and healthy ones.

It makes a world that the doctor is judged by, and knows nothing of the doctor: no rule and no
threshold stands here. answers.py alone has its words: which of them are right for a cause.
"""
