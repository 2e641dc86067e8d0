"""Tables as data frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


def data_frame(columns: Mapping[str, Sequence[Any]], numbers: Collection[str] = ()) -> pandas.DataFrame:
    """A data frame of these columns; those named in ``numbers`` are ``float64``, NaN where absent."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_pandas needs pandas: pip install pandas") from error
    frame = pandas.DataFrame(dict(columns))
    return frame.astype({name: "float64" for name in numbers})
