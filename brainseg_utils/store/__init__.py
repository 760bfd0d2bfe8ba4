"""Slices: cut from a patient's volumes, kept on disk, read back as they are used."""

from brainseg_utils.store.slice_store import SliceStore

__all__ = ["SliceStore"]
