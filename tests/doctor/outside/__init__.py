"""The outside battery: trainings with one known trouble put in, and healthy ones.

It makes a world that the doctor is judged by, and knows nothing of the doctor: no rule, no
threshold, no word of an answer stands here.
"""
