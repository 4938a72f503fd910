"""The page on which people listen and rate, and the few answers it needs; nothing it sends names a system or a file."""

import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.ratings.clips import RatedClip
from assets.ratings.database import RatingsFile
from assets.ratings.tasks import VALUES, Task, tasks_for

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

RATER = "rater"
NAME = re.compile(r"[0-9a-f]{16}")
PARTS = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
MONTHS_S = 90 * 24 * 3600  # that a rater is remembered
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; connect-src 'self'"
SAFE = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Listening:
    """What each rater is asked, and what they answered. `files` are clips as they are played, by key."""

    def __init__(self, clips: Sequence[RatedClip], files: Mapping[str, Path], ratings: RatingsFile, most: int) -> None:
        self.clips, self.ratings, self.most = clips, ratings, most
        secret = ratings.secret.encode()
        self.tokens = {clip.key: hmac.digest(secret, clip.key.encode(), "sha256").hex()[:24] for clip in clips}
        self.files = {token: files[key] for key, token in self.tokens.items()}

    def tasks(self, rater: str) -> list[Task]:
        return tasks_for(rater, self.clips, self.most)

    def state(self, rater: str) -> dict[str, Any]:
        """How far a rater is, and what comes next."""
        tasks, answered = self.tasks(rater), self.ratings.answered(rater)
        left = [task for task in tasks if task.key not in answered]
        return {"all": len(tasks), "answered": len(tasks) - len(left), "task": self._told(left[0]) if left else None}

    def answer(self, rater: str, said: Any) -> bool:
        """Takes an answer. Raises ValueError: it is none, or to what was not asked."""
        if not isinstance(said, dict) or set(said) != {"task", "value", "heard_s"}:
            raise ValueError("an answer is of task, value and heard_s")
        task = next((task for task in self.tasks(rater) if task.key == said["task"]), None)
        if task is None:
            raise ValueError("this was not asked")
        value, heard_s = said["value"], said["heard_s"]
        if type(value) is not int or value not in VALUES[task.kind]:
            raise ValueError(f"a rating is one of {', '.join(map(str, VALUES[task.kind]))}")
        if type(heard_s) not in (int, float) or not 0 <= heard_s < 1e6:
            raise ValueError("heard_s is how many seconds were heard")
        return self.ratings.add(rater, task, value, float(heard_s))

    def _told(self, task: Task) -> dict[str, Any]:
        first = task.clips[0]
        tokens = [self.tokens[clip.key] for clip in task.clips]
        return {"key": task.key, "kind": task.kind, "prompt": first.prompt, "lyrics": first.lyrics, "clips": tokens}


def app_of(listening: Listening) -> "Starlette":
    """As an ASGI application."""
    from starlette.applications import Starlette
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import Route

    def rater_of(request: "Request") -> str | None:
        name = request.cookies.get(RATER, "")
        return name if NAME.fullmatch(name) else None

    def part(request: "Request") -> "Response":
        name = request.url.path.rpartition("/")[2] or "page.html"
        text = (files("assets.ratings") / "parts" / name).read_text(encoding="utf-8")
        answer = Response(text, media_type=PARTS[name], headers=SAFE | {"Cache-Control": "no-cache"})
        if name == "page.html" and rater_of(request) is None:
            answer.set_cookie(RATER, secrets.token_hex(8), max_age=MONTHS_S, httponly=True, samesite="strict")
        return answer

    def task(request: "Request") -> "Response":
        rater = rater_of(request)
        if rater is None:
            return JSONResponse({"error": "open the page first"}, 403)
        return JSONResponse(listening.state(rater), headers=SAFE | {"Cache-Control": "no-store"})

    async def rating(request: "Request") -> "Response":
        from starlette.concurrency import run_in_threadpool

        rater = rater_of(request)
        if rater is None:
            return JSONResponse({"error": "open the page first"}, 403)
        try:
            taken = await run_in_threadpool(listening.answer, rater, json.loads(await request.body()))
        except (ValueError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"taken": taken})

    def audio(request: "Request") -> "Response":
        file = listening.files.get(request.path_params["token"])
        if file is None:
            return JSONResponse({"error": "there is no such song"}, 404)
        return FileResponse(file, media_type="audio/flac", headers=SAFE | {"Cache-Control": "private, max-age=86400"})

    return Starlette(
        routes=[
            *(Route(f"/{name.removesuffix('page.html')}", part) for name in PARTS),
            Route("/task", task),
            Route("/rating", rating, methods=["POST"]),
            Route("/audio/{token}", audio),
        ]
    )
