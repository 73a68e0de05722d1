"""Where the files that travel with the code lie: `sql/` and `web/`, inside the wheel or in the checkout."""

from pathlib import Path

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent.parent


def folder(name: str) -> Path:
    """The folder of that name; raises `FileNotFoundError` when the installation is not whole."""
    for root in (PACKAGE, CHECKOUT):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"{name}/ is missing from this installation of coachwire")
