"""What must hold of the pages."""

from assets.pages.render import page_key
from assets.pages.stage import pages_stage
from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, few_failures, nothing_lost
from assets.tables import COLUMNS, ok_rows
from resources.ledger import Ledger

STAGE = pages_stage(profile().pages, "")


def every_file_is_there(ledger: Ledger, batch: str) -> list[str]:
    """The page and every file that it plays or shows are in the store."""
    rows = ok_rows(ledger.read(STAGE.table, batch))
    named = [page_key(batch), *(row[name] for row in rows for name in COLUMNS[STAGE.table] if row[name])]
    return [f"{key} is gone" for key in named if not ledger.store.exists(key)]


RULES: list[Rule] = [nothing_lost(STAGE), few_failures(STAGE), every_file_is_there]

checks = batch_checks("pages", RULES)
