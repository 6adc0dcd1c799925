"""What imports and exports refuse."""

from typing import ClassVar

from rooftree.kernel.errors import Conflict, NotFound, Unprocessable


class ImportNotFound(NotFound):
    code: ClassVar[str] = "import-not-found"
    title: ClassVar[str] = "There is no such import"


class ImportNotReady(Conflict):
    """It is at another step than this one follows."""

    code: ClassVar[str] = "import-not-ready"
    title: ClassVar[str] = "The import is at another step"


class ExportNotFound(NotFound):
    code: ClassVar[str] = "export-not-found"
    title: ClassVar[str] = "There is no such export, or it is too old"


class ExportTooLarge(Unprocessable):
    code: ClassVar[str] = "export-too-large"
    title: ClassVar[str] = "These are more than one file takes"
