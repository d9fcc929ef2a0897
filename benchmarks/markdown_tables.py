"""Tables as Markdown, with columns of one width."""


def markdown(lines: list[list[str]]) -> str:
    """Write a table, the first line of which is its head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines = [lines[0], ["-" * width for width in widths], *lines[1:]]
    return "\n".join(
        f"| {' | '.join(f'{cell:{width}}' for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )
