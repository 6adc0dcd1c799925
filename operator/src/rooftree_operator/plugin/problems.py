"""What ends a command with one line and a code."""

PROBLEM = 1
USAGE = 2


class Problem(Exception):
    """It cannot be done, or what was asked for is not well; the text is one line for people."""

    code = PROBLEM


class Misused(Problem):
    """The command line is wrong."""

    code = USAGE
