"""`snapline set`: makes or changes what the console's namespace keeps."""

import typer

from producers.cli.commands.app import add
from producers.cli.commands.destination_set import setting
from producers.cli.commands.notify import setting as set_notification
from producers.cli.commands.objective import set_ as set_objective
from producers.cli.commands.outside import set_event_token
from producers.cli.commands.people import set_token, set_user
from producers.cli.commands.schedule import set_ as set_schedule
from producers.cli.commands.storage import set_default

set_ = typer.Typer(no_args_is_help=True, help="Make or change an app, a schedule, a destination.")
set_.command("app")(add)
set_.command("schedule")(set_schedule)
set_.add_typer(setting, name="destination")
set_.add_typer(set_notification, name="notification")
set_.command("objective")(set_objective)
set_.command("default-destination")(set_default)
set_.command("event-token")(set_event_token)
set_.command("user")(set_user)
set_.command("access-token")(set_token)
