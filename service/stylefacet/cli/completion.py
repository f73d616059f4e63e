"""`stylefacet completion`: what a shell needs to complete commands; knows no server."""

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_STYLEFACET_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete stylefacet's commands and options.

    \b
    Examples:
      stylefacet completion bash >> ~/.bashrc
      stylefacet completion zsh >> ~/.zshrc
      stylefacet completion fish > ~/.config/fish/completions/stylefacet.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root().command
    maker = kind(root, {}, "stylefacet", _VARIABLE)
    # Not `source()`: for bash it starts the bash that is found first to ask for its version, and
    # what is wanted is the script, whichever shell will read it.
    click.echo(maker.source_template % maker.source_vars())
