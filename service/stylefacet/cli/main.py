"""The root of the ``stylefacet`` command: gathers the commands, does no work."""

import click

from stylefacet import __version__
from stylefacet.cli.backups import backup, restore
from stylefacet.cli.compare import compare
from stylefacet.cli.completion import completion
from stylefacet.cli.demo import demo
from stylefacet.cli.doctor import doctor
from stylefacet.cli.duplicates import duplicates
from stylefacet.cli.embed import embed
from stylefacet.cli.encoders import encoders
from stylefacet.cli.export import export
from stylefacet.cli.features import features, predict
from stylefacet.cli.imports import import_
from stylefacet.cli.operations import operations
from stylefacet.cli.pictures import interpolate, traverse
from stylefacet.cli.products import products
from stylefacet.cli.program import Program
from stylefacet.cli.report import report
from stylefacet.cli.search import search
from stylefacet.cli.serve import serve
from stylefacet.cli.server_imports import import_on_server
from stylefacet.cli.settings import settings
from stylefacet.cli.tokens import tokens


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stylefacet")
def main() -> None:
    """Find garments that look alike in the way you choose.

    \b
    Example:
      stylefacet demo
      stylefacet serve
      stylefacet import photos/
      stylefacet search --image shirt.jpg --weight collar=1 --sheet hits.png
    """


for command in (
    demo,
    serve,
    import_,
    import_on_server,
    search,
    compare,
    duplicates,
    predict,
    export,
    report,
    embed,
    traverse,
    interpolate,
    products,
    features,
    encoders,
    operations,
    settings,
    tokens,
    doctor,
    backup,
    restore,
    completion,
):
    main.add_command(command)
