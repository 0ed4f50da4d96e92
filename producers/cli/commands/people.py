"""Who may sign in to the console, and which programs may use its API: `user` and `access-token`."""

import getpass
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from producers.access import audit, passwords, tokens, users
from producers.access.identity import Role
from producers.access.passwords import Passwords
from producers.access.tokens import Token
from producers.access.users import ALL, User
from producers.cli.context import ListOutputOption, OutputOption, note, session_of
from producers.cli.remedies import with_remedy
from producers.cli.render import ListOutput, Output, Row, show
from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas.errors import SnaplineError

UserName = Annotated[str, typer.Argument(help="Name of the user.")]
TokenName = Annotated[str, typer.Argument(help="Name of the token, such as that of the program that has it.")]
Apps = Annotated[list[str] | None, typer.Option("--app", help="Granted application, else all; may be repeated.")]
RoleOption = Annotated[Role | None, typer.Option(help="What may be done, in all granted applications.")]


def get_users(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """Who may sign in to the console with a password."""
    _list([each for each in _readable(users.users(session_of(ctx))) if isinstance(each, User)], output)


def get_tokens(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """What tokens for the console's API there are."""
    found = [each for each in _readable(tokens.tokens(session_of(ctx))) if isinstance(each, Token)]
    show([_token(each) for each in found], output, ("name", "role", "apps", "permissions", "expires_at"))


def set_user(
    ctx: typer.Context,
    name: UserName,
    role: RoleOption = None,
    app: Apps = None,
    all_apps: Annotated[bool, typer.Option("--all-apps", help="Grant all, also to who had some only.")] = False,
    new_password: Annotated[bool, typer.Option("--new-password", help="In place of one that is lost.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a user of the console, or change what one may do. A new one is an operator unless you say more, and gets a
    password that is shown once, and has to be changed at the first sign-in."""
    session = session_of(ctx)
    known = users.user(session, users.checked_name(name))
    made = known or User(name, "operator", None, "", change=True)
    made = replace(made, role=role or made.role, apps=_granted(made.apps, app, all_apps))
    password = passwords.one_time() if known is None or new_password else None
    if password is not None:
        made = replace(made, password_hash=Passwords().hash(password), change=True)
    users.put(session, made)
    show({**_user(made), "password": password}, output)
    if password is not None:
        note("give it to the user: nobody can show it again, and it works once")
    _on_record(session, f"user {name}")


def delete_user(ctx: typer.Context, name: UserName) -> None:
    """A user cannot sign in any more, and is signed out."""
    session = session_of(ctx)
    users.remove(session, name)
    _on_record(session, f"user {name}, deleted")
    note(f"user {name} cannot sign in any more")


def set_token(
    ctx: typer.Context,
    name: TokenName,
    role: Annotated[Role, typer.Option(help="What it may do, in all granted applications.")],
    app: Apps = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="Of what the role gives, only that; may be repeated.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="It ends after so many days; else never.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a token for the console's API, and show it, once. One of the same name is no longer good."""
    session = session_of(ctx)
    made = tokens.make(
        session,
        name,
        role,
        apps=",".join(app) if app else ALL,
        only=",".join(permission) if permission else ALL,
        made_by="snapline",
        now=datetime.now(UTC),
        days=days,
    )
    show({**_token(made.kept), "token": made.token}, output)
    _on_record(session, f"token {name}")
    note("keep it: nobody can show it again")


def delete_token(ctx: typer.Context, name: TokenName) -> None:
    """A token for the console's API is no longer good."""
    session = session_of(ctx)
    tokens.forget(session, name)
    _on_record(session, f"token {name}, deleted")
    note(f"token {name} is no longer good")


def _on_record(session: Session, on: str) -> None:
    """Puts it into the audit trail. It has been done by then: an event log that is away is told of."""
    try:
        audit.of_command(session, f"{_account()} (snapline)", "administer", on)
    except SnaplineError as error:
        note(f"this is not in the audit trail: {error}")


def _account() -> str:
    """Of this machine, whose command it is; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _granted(before: frozenset[str] | None, app: list[str] | None, all_apps: bool) -> frozenset[str] | None:
    if all_apps:
        return None
    return users.granted(",".join(app)) if app else before


def _list(found: list[User], output: ListOutput) -> None:
    show([_user(each) for each in found], output, ("name", "role", "apps", "must_change"))


def _readable(found: "list[User | Unreadable] | list[Token | Unreadable]") -> list[User | Token]:
    """Those that can be read; of the others it is said why not."""
    good: list[User | Token] = []
    for each in found:
        if isinstance(each, Unreadable):
            note(f"{each.name} is passed over: {with_remedy(each.problem)}")
        else:
            good.append(each)
    return good


def _user(user: User) -> Row:
    apps = None if user.apps is None else sorted(user.apps)
    return {"name": user.name, "role": user.role, "apps": apps, "must_change": user.change}


def _token(token: Token) -> Row:
    return {
        "name": token.name,
        "role": token.role,
        "apps": None if token.apps is None else sorted(token.apps),
        "permissions": None if token.only is None else sorted(token.only),
        "made_by": token.made_by or None,
        "expires_at": token.expires_at,
    }
