"""What an expression says, as a sentence."""

from datetime import timedelta

from schemas import ttl
from schemas.schedule import Schedule
from schemas.schedule.expression import parse


def sentence(schedule: Schedule) -> str:
    """In English, with the time zone: `At 02:00, only on Monday (Europe/Berlin)`."""
    when = parse(schedule.expression, schedule.time_zone)
    if isinstance(when, timedelta):
        quantity, unit = ttl.quantity_and_unit(f"{when.total_seconds():.0f}s")
        return f"Every {unit.removesuffix('s')}" if quantity == 1 else f"Every {quantity} {unit}"
    # Some hundredths of a second, for what only lists of schedules show.
    import cron_descriptor as descriptor  # type: ignore[import-untyped]

    options = descriptor.Options()
    options.use_24hour_time_format, options.locale_code = True, "en_US"
    try:
        said = descriptor.get_description(when.fields, options)
    except (descriptor.FormatError, descriptor.MissingFieldError, descriptor.WrongArgumentError):
        said = when.fields
    return f"{said} ({when.zone.key})"
