"""The files that ``instructzero init`` writes: a commented configuration, sample rows, and a prompt."""

from __future__ import annotations

import csv
import io

RUN = """\
# The settings of a run, for: instructzero run --config run.yaml
# Every flag of 'instructzero run --help' is a key here, with underscores. Relative paths begin at this folder.

# Your task: replace the ten rows of rows.csv by 50 or more of your own.
task: rows.csv                 # CSV, JSONL, JSON, Parquet or XLSX, or hf:DATASET
input_column: subject,body     # the columns of the input
output_column: team            # the column of the answer
task_description: Sort the messages of a shop's customers by the team that answers them.  # for the writer
metric: choice:delivery|payment|returns  # how an answer is scored; others are exact_match, contains, numeric

# Your prompt, and the instructions that you have: the search starts from them and tests its winner against them.
prompt: prompt.txt             # the messages to the black box, with {instruction} and the columns as fields
start:
  - Name the team that has to answer this message.

# The models; keys are read from the environment, such as OPENAI_API_KEY.
blackbox: openai:gpt-4o-mini   # the model that answers: also anthropic:MODEL, hf:FOLDER_OR_ID, python:MODULE:FUNCTION
# base_url: http://localhost:8000/v1  # the address of another OpenAI-compatible service
writer: openai:gpt-4o-mini     # the model that writes instructions: also anthropic:MODEL, hf:FOLDER_OR_ID
# writer_url: http://localhost:8000/v1  # the address of the writer's service, if it is another one

# The budget: a limit is never exceeded, and a run that was stopped continues where it was.
evaluations: 40                # how many instructions are evaluated
max_calls: 2000                # the maximum paid calls
# max_usd: 1.00                # the maximum cost; needs a model with a known price, or input_price and output_price
# max_time: 30m                # the maximum time

# The parts of the data; by default 5, 20, 40 and 100 examples as far as the rows suffice.
# exemplars: 5                 # shown to the writer
# validation: 20               # score every instruction
# confirmation: 40             # score the best few again
# test: 100                    # used once, after the search

seed: 0                        # the seed of all random choices
out: results                   # the directory of the run
"""

ROWS = """\
subject,body,team
Where is my parcel?,"I ordered two weeks ago, and the tracking page has not changed since Monday.",delivery
Charged twice,My card statement shows the same amount twice for order 4417.,payment
Wrong size,The shoes are too small. How do I send them back?,returns
Nobody rang,"The courier says that nobody was at home, but I was there all day.",delivery
Invoice,Please send me an invoice with the address of my company.,payment
Broken lamp,"The lamp arrived with a crack in its foot, and I do not want to keep it.",returns
New address,I move on Friday. Can you send the order to my new flat instead?,delivery
Voucher,"The code from your newsletter is refused at the checkout, although it is valid.",payment
Label missing,There was no label for sending it back in the box.,returns
Pick-up point,Which shop can I collect my order from?,delivery
"""

PROMPT = """\
system:
You work in the customer service of a shop. {instruction}
Answer with the name of one team: delivery, payment or returns.

user:
Subject: {subject}

{body}
"""

FILES = {"run.yaml": RUN, "rows.csv": ROWS, "prompt.txt": PROMPT}
"""The content of the files by name."""


def demo_files() -> dict[str, str]:
    """Return the content of the files by name, with 200 rows, for a run with the stand-in of `instructzero.testing`."""
    from instructzero.testing.shop import PORT, rows

    run = RUN
    for usual, instead in (
        ("task: replace the ten rows of rows.csv by 50 or more of your own.", "task: messages to a shop."),
        ("openai:gpt-4o-mini", "openai:demo       "),
        ("# base_url: http://localhost:8000/v1  #", f"base_url: http://127.0.0.1:{PORT}/v1  #"),
    ):
        run = run.replace(usual, instead)
    return {"run.yaml": run, "rows.csv": _table(rows()), "prompt.txt": PROMPT}


def _table(rows: list[dict[str, str]]) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return written.getvalue()
