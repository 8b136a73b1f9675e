"""Hold the whole exception tree of Liqwatch.

LiqwatchError
├── UserError           the sentence the user reads, with an example that works
├── ConfigError         a setting is wrong: what, where, and what to do
├── DataError           market data is refused
│   ├── CandleError     a candle is out of order, duplicated or impossible
│   ├── GridError       a request for bins or ranges that cannot be served
│   └── MarginError     a position or margin table that cannot be computed with
│       └── LeverageError   no tier allows this leverage; `highest` is what it allows
├── StorageError        a store cannot be used
│   ├── StoreLocked     another process holds the file
│   ├── StoreCorrupt    the file is not a readable store
│   ├── StoreFull       the disk refused a write
│   ├── SchemaTooNew    the file was written by a newer Liqwatch
│   └── SealError       something that is stored encrypted cannot be read
│       ├── SealUnknown     it was sealed with a key that is not there
│       └── SealBroken      it was changed, or belongs to something else
├── RenderError         a picture could not be drawn
├── MeasureError        a measurement of accuracy was not finished
├── SourceError         a market data source cannot start or go on
├── DeliveryError       a message could not be delivered
│   ├── Retryable       try again, after `retry_after_s` where the far end said so
│   ├── Permanent       this message will never be accepted there
│   └── Gone            the destination itself no longer exists
└── AlreadyRunning      another Liqwatch serves this data directory
"""


class LiqwatchError(Exception):
    """Be the root of everything Liqwatch raises on purpose."""


class UserError(LiqwatchError):
    """Tell a user what was wrong, what was understood, and one example that works.

    `message` is one plain sentence; `example` a command line that would have worked, or empty.
    """

    def __init__(self, message: str, *, example: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.example = example


class ConfigError(LiqwatchError):
    """Report settings that stop the start; `problems` holds one line each, with its fix."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class DataError(LiqwatchError):
    """Refuse market data."""


class CandleError(DataError):
    """Refuse a candle; the text names it by time and says what is wrong with it."""


class GridError(DataError):
    """Refuse a request for price bins or a range that cannot be served."""


class MarginError(DataError):
    """Refuse a position, or a table of margin tiers, that nothing can be computed with."""


class LeverageError(MarginError):
    """Refuse a leverage that no tier allows.

    `highest` is the most there is for a position of that size, `any_size` for the smallest.
    """

    def __init__(self, leverage: float, *, highest: float, any_size: float) -> None:
        super().__init__(f"a leverage of {leverage:g} is not allowed: 1 to {highest:g} is")
        self.leverage = leverage
        self.highest = highest
        self.any_size = any_size


class StorageError(LiqwatchError):
    """Report that a store cannot be used; the text says what to do."""


class StoreLocked(StorageError):
    """Report that another process holds the file; the text names the holder."""


class StoreCorrupt(StorageError):
    """Report a file that is not a readable store; it is left untouched."""


class StoreFull(StorageError):
    """Report that the disk refused a write."""


class SchemaTooNew(StorageError):
    """Report a file written by a newer Liqwatch; it is left untouched."""


class SealError(StorageError):
    """Report that something which is stored encrypted cannot be read."""


class SealUnknown(SealError):
    """Report a key that is not there; `key_id` names it and tells nothing about it."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"it was sealed with another LIQWATCH_SECRET_KEY (named {key_id[:16]}): set that one again, or "
            "list it in LIQWATCH_OLD_SECRET_KEYS"
        )
        self.key_id = key_id


class SealBroken(SealError):
    """Report that something sealed was changed, or belongs to something else."""


class RenderError(LiqwatchError):
    """Report that a picture could not be drawn; what it was to show is not lost."""


class MeasureError(LiqwatchError):
    """Report that a measurement of accuracy was not finished; nothing was wrong with the data."""


class SourceError(LiqwatchError):
    """Report that a market data source cannot start or go on."""


class DeliveryError(LiqwatchError):
    """Report a delivery attempt that did not succeed; `reason` is kept with the delivery."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Retryable(DeliveryError):
    """Ask for another attempt, not before `retry_after_s` seconds where the far end said so."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Permanent(DeliveryError):
    """Say that this message will never be accepted there."""


class Gone(DeliveryError):
    """Say that the destination itself no longer exists."""


class AlreadyRunning(LiqwatchError):
    """Report that another Liqwatch serves this data directory."""
