"""`cloudtasker completion`: the script that lets a shell complete our commands."""

import rich_click as click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
    $ source <(cloudtasker completion bash)            in ~/.bashrc
    $ source <(cloudtasker completion zsh)             in ~/.zshrc
    $ cloudtasker completion fish > ~/.config/fish/completions/cloudtasker.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise AssertionError(f"Click does not know {shell}")
    root = context.find_root().command
    click.echo(kind(root, {}, "cloudtasker", "_CLOUDTASKER_COMPLETE").source())
