"""The nightly jobs: sweeps over one studio at an explicit instant, batch by batch, idempotent by data.

Source: rules.md §8.
"""
