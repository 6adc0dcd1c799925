"""Fails when a product function or file outgrows what a reader holds in mind.

Functions: 40 lines, docstring not counted. Python files: 400 lines, provisioners and TSX files: 250.
A limit raised for one place is listed in ALLOWED with its reason, so that the list is the debt.
"""

import ast
import pathlib
import subprocess
import sys

FUNCTION_LINES = 40
FILE_LINES = 400
SMALL_FILE_LINES = 250
ALLOWED: dict[str, str] = {}


def tracked(*patterns: str) -> list[pathlib.Path]:
    """Committed files that match, without generated ones."""
    listing = subprocess.run(["git", "ls-files", "--", *patterns], capture_output=True, text=True, check=True)
    return [pathlib.Path(line) for line in listing.stdout.splitlines() if "rooftree_pb" not in line]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its signature to its end, without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def long_functions(path: pathlib.Path) -> list[str]:
    """One finding per function over the limit."""
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        f"{path}:{node.lineno}: {node.name} has {body_lines(node)} lines, limit {FUNCTION_LINES}"
        for node in functions
        if body_lines(node) > FUNCTION_LINES and f"{path}:{node.name}" not in ALLOWED
    ]


def long_file(path: pathlib.Path) -> list[str]:
    """A finding when the file is over its limit."""
    limit = SMALL_FILE_LINES if "provisioners" in path.parts or path.suffix == ".tsx" else FILE_LINES
    lines = len(path.read_text().splitlines())
    return [f"{path}: {lines} lines, limit {limit}"] if lines > limit and str(path) not in ALLOWED else []


def main() -> int:
    """Prints every finding; 1 when there is one."""
    product = [path for path in tracked("*.py", "*.tsx") if path.exists() and "tests" not in path.parts]
    findings = [finding for path in product for finding in long_file(path)]
    findings += [
        finding
        for path in product
        if path.suffix == ".py" and "migrations" not in path.parts
        for finding in long_functions(path)
    ]
    print("\n".join(findings) or f"sizes of {len(product)} files are within their limits")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
