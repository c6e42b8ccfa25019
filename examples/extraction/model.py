"""A stand-in for a model: it extracts an invoice with patterns, in the forms that the instruction asks for."""

import json
import re

IDEAS = (
    "Extract the invoice.",
    "Extract the invoice. Write dates as YYYY-MM-DD, amounts as numbers and currencies as codes.",
    "Find what has to be paid.",
    "Extract the invoice. Write dates as YYYY-MM-DD.",
    "Read the mail and fill in the form.",
    "List the facts of the mail.",
    "Extract the invoice, with amounts as numbers.",
)
CODES = {"€": "EUR", "$": "USD", "£": "GBP"}
MONTHS = ("January", "February", "March", "April", "May", "June")


def answer(prompt: str) -> str:
    """Return the invoice of the mail below the instruction as JSON in a fence."""
    instruction, _, mail = prompt.partition("\n\n")
    number = re.search(r"invoice (?:no\. )?([A-Z]+-\d+)", mail)
    due = re.search(r"(\d+) (\w+) (\d{4})", mail)
    total = re.search(r"([€$£])([\d,.]+\d)", mail)
    if not (number and due and total):
        return '{"number": null, "due": null, "total": null}'
    date, amount, currency = due[0], total[2], total[1]
    if "YYYY" in instruction:
        date = f"{due[3]}-{MONTHS.index(due[2]) + 1:02}-{int(due[1]):02}"
    if "as numbers" in instruction:
        amount = float(amount.replace(",", ""))
    if "codes" in instruction:
        currency = CODES[currency]
    found = {"number": number[1], "due": date, "total": {"amount": amount, "currency": currency}}
    return f"```json\n{json.dumps(found, indent=2, ensure_ascii=False)}\n```"
