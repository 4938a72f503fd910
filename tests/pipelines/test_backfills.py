import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from assets.manifest.batches import seal_batches
from assets.profile import Profile
from assets.report.standing import standings
from assets.way import way
from pipelines.backfills import launch_backfill, plan_backfill
from pipelines.running import RunFailed

ROAD = list(way(Profile()).values())


@pytest.fixture
def plan(ledger):
    files = [{"uri": f"file:///{n}.mp3", "bytes": 1, "modified_s": 0.0} for n in range(4)]
    seal_batches(files, ledger, batch_size=2, seal_short=False)
    return plan_backfill(standings(ledger.batches("manifest"), ROAD, ledger), ledger)


@pytest.fixture
def page():
    """Answers every mutation with `answer`, and keeps what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": {"launchPartitionBackfill": server.answer}}).encode())

        def log_message(self, *arguments) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_plan_names_the_batches_and_stages_that_have_something_to_do(plan):
    assert plan.batches == ("b00000", "b00001")
    assert plan.rows[0] == ("tracks", 2, 4, "not measured yet")
    assert [row[0] for row in plan.rows] == [stage.table for stage in ROAD]


def test_a_backfill_asks_for_what_was_planned(plan, page):
    page.answer = {"backfillId": "abc"}
    assert launch_backfill(plan, f"http://127.0.0.1:{page.server_port}") == "abc"
    asked = page.sent["variables"]["params"]
    assert asked["partitionNames"] == ["b00000", "b00001"]
    assert [key["path"] for key in asked["assetSelection"]] == [[stage.table] for stage in ROAD]


def test_a_backfill_that_is_not_taken_says_why(plan, page):
    page.answer = {"__typename": "PythonError", "message": "no such partition"}
    with pytest.raises(RunFailed, match="no such partition"):
        launch_backfill(plan, f"http://127.0.0.1:{page.server_port}")


def test_a_page_that_does_not_answer_is_said(plan):
    with pytest.raises(RunFailed, match="make dev"):
        launch_backfill(plan, "http://127.0.0.1:9")
