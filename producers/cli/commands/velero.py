"""`snapline velero configure-aws-s3` and its like: what users of KOTS type to say where backups go."""

import typer

from producers.cli import destination_options as options
from producers.cli.commands import destination_set as configure
from producers.cli.commands.storage import Name, show_, storage
from producers.cli.context import OutputOption
from producers.cli.given_secrets import PassphraseOption
from producers.cli.render import Output
from schemas.events import DEFAULT_DESTINATION, THE_DEFAULT

velero = typer.Typer(no_args_is_help=True, help="KOTS' words for `snapline storage configure`.")


def instance_role(
    ctx: typer.Context,
    bucket: options.Bucket = None,
    name: options.NameOption = DEFAULT_DESTINATION,
    region: options.Region = None,
    prefix: options.Prefix = None,
    passphrase_secret: PassphraseOption = None,
    no_check: options.NoCheck = False,
    force: options.Force = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A bucket of AWS, by the role of the machine. The passphrase comes on standard input."""
    configure.set_aws_s3(
        ctx,
        bucket,
        name,
        region,
        prefix,
        instance_role=True,
        passphrase_secret=passphrase_secret,
        no_check=no_check,
        force=force,
        output=output,
    )


def print_fs_instructions(ctx: typer.Context, name: Name = THE_DEFAULT, output: OutputOption = Output.TABLE) -> None:
    """How every worker comes to see the directory of a destination."""
    show_(ctx, name, mount=True, output=output)


aws = typer.Typer(no_args_is_help=True, help="A bucket of AWS.")
aws.command("access-key")(configure.set_aws_s3)
aws.command("instance-role")(instance_role)
gcp = typer.Typer(no_args_is_help=True, help="A bucket of Google Cloud Storage.")
gcp.command("service-account")(configure.set_gcp)
gcp.command("workload-identity")(configure.set_gcp)
azure = typer.Typer(no_args_is_help=True, help="A container of Azure Blob Storage.")
azure.command("service-principle")(configure.set_azure)
azure.command("service-principal", hidden=True)(configure.set_azure)


def _add_to(group: typer.Typer, *, hidden: bool) -> None:
    group.add_typer(aws, name="configure-aws-s3", hidden=hidden)
    group.command("configure-other-s3", hidden=hidden)(configure.set_other_s3)
    group.add_typer(gcp, name="configure-gcp", hidden=hidden)
    group.add_typer(azure, name="configure-azure", hidden=hidden)
    group.command("configure-nfs", hidden=hidden)(configure.set_nfs)
    group.command("configure-hostpath", hidden=hidden)(configure.set_hostpath)
    group.command("configure-internal", hidden=hidden)(configure.set_internal)
    group.command("print-fs-instructions", hidden=hidden)(print_fs_instructions)


_add_to(velero, hidden=False)
_add_to(storage, hidden=True)
