"""The parameters and the normaliser as named arrays: safetensors, and NumPy's npz."""

import io
from collections.abc import Mapping

import numpy as np
from safetensors.numpy import save


def safetensors_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Returns a safetensors file; types that it lacks, such as float8, become float32 or complex64."""
    kept = ("bool", "bfloat16", "complex64")
    return save({name: _plain(array, array.dtype.name in kept) for name, array in arrays.items()})


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Returns an npz file that is read without pickle; types that NumPy lacks, such as bfloat16, become float32."""
    file = io.BytesIO()
    np.savez(
        file, allow_pickle=False, **{name: _plain(array, array.dtype.kind in "bc") for name, array in arrays.items()}
    )
    return file.getvalue()


def _plain(array: np.ndarray, kept: bool) -> np.ndarray:
    """The array as it is, if its type is kept or a number of NumPy's, or else in a type that both formats have."""
    if not kept and array.dtype.kind not in "iuf":
        array = array.astype(np.complex64 if array.dtype.kind == "c" else np.float32)
    return np.ascontiguousarray(array)
