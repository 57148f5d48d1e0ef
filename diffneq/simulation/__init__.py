"""From a system to records: `loop.simulate` and its parts; `rollout` for derivatives through short runs."""
