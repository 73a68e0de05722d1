"""A table on a terminal: names to the left, figures to the right."""


def row(name: str, *values: str) -> str:
    return f"{name:<42}" + "".join(f"{value:>10}" for value in values)
