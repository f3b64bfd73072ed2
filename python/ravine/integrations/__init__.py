# SPDX-License-Identifier: Apache-2.0
"""The doctor in other people's training loops: a callback for each.

    from ravine.integrations.huggingface import RavineCallback  # Trainer, TRL
    from ravine.integrations.lightning import RavineCallback
    from ravine.integrations.keras import RavineCallback  # Keras 3

Each module imports its framework, and this one none. docs/integrations.md.
"""
