"""`dg dev`, with a web server of our own: `calls-assets dev` starts it."""

from dagster_dg_cli.cli import main as dg

from calls_assets.dagster.internals import have_dev_start

if __name__ == "__main__":
    have_dev_start("calls_assets.dagster.webserver")
    dg()
