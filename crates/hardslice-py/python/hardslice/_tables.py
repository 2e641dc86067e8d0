"""Tables of results: rows in order, patients, data frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Union, overload

if TYPE_CHECKING:
    import pandas


Row = TypeVar("Row")

Patients: TypeAlias = Union[Mapping[str, str], Callable[[str], "str | None"], None]
"""Whose scan each case is."""


class Rows(Sequence[Row]):
    """Rows that stay as they are, in order."""

    def __init__(self, rows: Iterable[Row]):
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)


def patient_of(patients: Patients) -> Callable[[str], str]:
    """Gives the patient of a case; the case itself where nobody says whose it is."""
    whose = patients if callable(patients) else (patients or {}).get
    return lambda case: str(whose(case) or case)


def data_frame(columns: Mapping[str, Sequence[Any]], numbers: Collection[str] = ()) -> pandas.DataFrame:
    """A data frame of these columns; those named in ``numbers`` are ``float64``, NaN where absent."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_pandas needs pandas: pip install pandas") from error
    frame = pandas.DataFrame(dict(columns))
    return frame.astype({name: "float64" for name in numbers})
