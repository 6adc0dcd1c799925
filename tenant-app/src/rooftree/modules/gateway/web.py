"""The web app's files and the committed API description, both made elsewhere and only handed out here."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from rooftree.kernel.settings import SettingsError

# Never a page: unknown paths below these are 404 for every client.
_NOT_PAGES = ("/api/", "/oauth/", "/auth/", "/.well-known/", "/assets/")
_IMMUTABLE = "public, max-age=31536000, immutable"


class ApiDescription:
    """The merged OpenAPI document, byte for byte as committed."""

    def __init__(self, places: tuple[Path, ...]) -> None:
        """Reads the first of `places` that exists."""
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise SettingsError(f"openapi.json is in none of {', '.join(map(str, places))}.")
        self.content = found.read_bytes()


class WebApp:
    """ASGI: files of the built web app; its page for every other path that a browser opens."""

    def __init__(self, folder: Path) -> None:
        self._index = folder / "index.html"
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._response(scope)
        await response(scope, receive, send)

    async def _response(self, scope: Scope) -> Response:
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD") or path == "/index.html":
            raise HTTPException(404)
        if path != "/":
            try:
                response = await self._files.get_response(path.lstrip("/"), scope)
            except HTTPException:
                pass
            else:
                response.headers["Cache-Control"] = _IMMUTABLE if path.startswith("/assets/") else "no-cache"
                return response
        wants_page = "text/html" in Request(scope).headers.get("accept", "")
        if not wants_page or path.startswith(_NOT_PAGES) or not self._index.is_file():
            raise HTTPException(404)
        return FileResponse(self._index, headers={"Cache-Control": "no-cache"}, media_type="text/html")
