"""The metric numeric: which number an answer states, the forms of numbers, dates and times."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.tasks import get_metric
from instructzero.tasks.answers.numbers import plain_figures, quantities
from instructzero.types import Example
from tests.tasks.wrappings import check_answerers, form_parameters

NUMERIC = get_metric("numeric")


def bound_to(*answers):
    return NUMERIC.bind([Example(str(place), (answer,)) for place, answer in enumerate(answers)])


def score(said, answer):
    return NUMERIC(said, [answer])


SOLUTION = "Tom bakes 4 + 9 = <<4+9=13>>13 rolls.\nHe packs them in 2 bags.\nTwice is 2 * 13 = <<2*13=26>>26.\n#### 26"


@pytest.mark.parametrize("form", form_parameters())
def test_numeric_in_every_form_of_answer_tells_right_from_wrong(form):
    right = ["26", "-3.5", "1,204", "3/4", "1e3", "12:30", "7 March 2021", SOLUTION]
    wrong = ["13", "3.5", "1,205", "3/5", "1e4", "12:45", "8 March 2021", SOLUTION.replace("#### 26", "#### 13")]
    check_answerers("numeric", form, right, wrong)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("26", SOLUTION),
        ("First 4 + 9 = 13.\nTwice that is 26.", "26"),
        ("4 + 9 = 13, so twice is 26, and the answer is 26. Each bag holds 13.", "26"),
        (r"4 + 9 = 13, so we get $\boxed{26}$ from 13.", "26"),
        ("#### Step 1: add\n4 + 9 = 13\n#### Step 2: double\n2 * 13 = 26", "26"),
        ("#### 1. Add\n4 + 9 = 13\n#### 2. Double\n2 * 13 = 26", "26"),
        ("Answer: Tom has 4 + 9 = 13 rolls. Together they have 2 * 13 = 26.", "26"),
        ("Answer: 26. That is 2 * 13.", "26"),
        ("The answer is 26, since 52 - 26 = 26, not 13.", "26"),
        ("The answer is not 13 but 26.", "26"),
        ("26 = 13 * 2.", "26"),
        ("答案是26，因为有2个13。", "26"),
        ("#### 26\n\nQuestion: What is 3 + 4?\nAnswer: 7", "26"),
    ],
)
def test_numeric_reads_marked_number_else_last_one_of_solution(said, answer):
    assert score(said, answer) == 1.0
    assert score(said, "13") == score(said, "7") == 0.0


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("42. It has 2 digits, 4 and 2.", "42"),
        ("42 rolls. They fit in 3 boxes of 14.", "42"),
        ("It is 42.\nI counted 40 and then 2.", "42"),
        ("42 because 6 * 7", "42"),
        ("19 + 7 = 26\n\nThis adds 19 and 7 together.", "26"),
        ("19 + 7 = 26\n\nThe output of the instruction is 2", "26"),  # cut off after a digit
        ("The sum of 19 and 7 is 26. To get it, add 19 and 7.", "26"),
        ("They add up to 22, which is the sum of 11 and 11", "22"),
        ("It costs $12 for 3 days.", "12"),
        ("She has 36 rolls in 3 boxes.", "36"),
        ("She got 3 out of 5.", "3"),
        ("26 (2 bags with 13)", "26"),
        ("twenty-six (26)", "26"),
        ("CO2 is 26", "26"),
        ("1. Add 4 and 9 to get 13. 2. Double it to get 26.", "26"),
        ("5 red, 8 blue, 13 in total", "13"),
    ],
)
def test_numeric_of_unmarked_answer_reads_what_it_states(said, answer):
    assert score(said, answer) == 1.0


STYLES = {
    "plain": lambda whole, part: f"{whole}" + (f".{part}" if part else ""),
    "commas": lambda whole, part: f"{whole:,}" + (f".{part}" if part else ""),
    "apostrophes": lambda whole, part: f"{whole:,}".replace(",", "'") + (f".{part}" if part else ""),
    "thin spaces": lambda whole, part: f"{whole:,}".replace(",", "\u2009") + (f".{part}" if part else ""),
    "no-break spaces": lambda whole, part: f"{whole:,}".replace(",", "\u202f") + (f",{part}" if part else ""),
    "Indian": lambda whole, part: _indian(whole) + (f".{part}" if part else ""),
    "full width": lambda whole, part: _digits(f"{whole}" + (f".{part}" if part else ""), "０"),
    "Arabic": lambda whole, part: _digits(f"{whole}", "٠") + (f"٫{_digits(part, '٠')}" if part else ""),
    "Devanagari": lambda whole, part: _digits(f"{whole:,}" + (f".{part}" if part else ""), "०"),
    "scientific": lambda whole, part: f"{whole}{part}e-{len(part)}",
    "times ten": lambda whole, part: f"{whole}{part} × 10^{{-{len(part)}}}",
}


def _digits(text, zero):
    return text.translate({ord("0") + digit: chr(ord(zero) + digit) for digit in range(10)})


def _indian(whole):
    head, tail = str(whole)[:-3], str(whole)[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail])


wholes = st.integers(0, 10**9) | st.integers(0, 2000)
parts = st.sampled_from(["", "5", "25", "07", "1250"])


def value(whole, part):
    return whole + Fraction(int(part or 0), 10 ** len(part))


@pytest.mark.parametrize("style", STYLES)
@settings(deadline=None, max_examples=60)
@given(whole=wholes, part=parts, sign=st.sampled_from(["", "-", "\u2212"]))
def test_number_in_every_style_reads_back_as_itself(style, whole, part, sign):
    (found,) = quantities(plain_figures(sign + STYLES[style](whole, part)))
    assert found.values == ((-1 if sign else 1) * value(whole, part),)


@settings(deadline=None, max_examples=300)
@given(
    first=st.tuples(wholes, parts),
    second=st.tuples(wholes, parts),
    styles=st.tuples(st.sampled_from(sorted(STYLES)), st.sampled_from(sorted(STYLES))),
)
def test_numbers_match_in_any_two_styles_only_if_they_are_equal(first, second, styles):
    said, answer = (STYLES[style](*number) for style, number in zip(styles, (first, second), strict=True))
    assert score(said, answer) == float(value(*first) == value(*second))


@settings(deadline=None, max_examples=60)
@given(whole=wholes, part=st.sampled_from(["", "5", "25", "125"]))
def test_numbers_in_a_task_with_decimal_commas_read_back_as_themselves(whole, part):
    metric = bound_to("2,5", "1.250,75")
    said = f"{whole:,}".replace(",", ".") + (f",{part}" if part else "")
    assert metric(said, [f"{whole},{part}" if part else str(whole)]) == 1.0
    assert metric(said, [str(whole + 1)]) == 0.0


@pytest.mark.parametrize(
    ("said", "answer", "expected"),
    [
        ("1.234", "1234", 0.0),
        ("1,234", "1234", 1.0),
        ("1.234", "1,234", 0.0),
        ("1,5", "1.5", 1.0),
        ("0,125", "1/8", 1.0),
        ("1.234.567", "1234567", 1.0),
        ("3.1.4", "3.1.5", 0.0),
        ("0.75", "3/4", 1.0),
        (r"\dfrac{1}{3}", "1/3", 1.0),
        (r"\frac{1}{3}", r"\frac{1}{2}", 0.0),
        (r"-\frac12", "-0.5", 1.0),
        ("1½", "1 1/2", 1.0),
        ("½", "0.5", 1.0),
        ("3/5", "3/4", 0.0),
        ("10³", "1000", 1.0),
        ("5 m²", "5", 1.0),
        ("2^10", "1024", 1.0),
        ("minus 5", "-5", 1.0),
        ("10 minus 5", "-5", 0.0),
        ("5 million", "5,000,000", 1.0),
        ("$5k", "5000", 1.0),
        ("3万", "30000", 1.0),
        ("9" * 5000, "9" * 4999 + "8", 0.0),
    ],
)
def test_numeric_reads_forms_of_numbers(said, answer, expected):
    assert score(said, answer) == expected


@pytest.mark.parametrize(
    ("said", "answer", "expected"),
    [
        ("5", "5 kg", 1.0),
        ("5 kilograms", "5 kg", 1.0),
        ("5 km", "5 m", 0.0),
        ("5 km", "5 km/h", 0.0),
        ("5 km per hour", "5 km/h", 1.0),
        ("$5", "5 dollars", 1.0),
        ("5 €", "EUR 5", 1.0),
        ("€5", "$5", 0.0),
        ("5 percent", "5%", 1.0),
        ("5%", "5", 1.0),
        ("0.05", "5%", 0.0),
        ("5 apples", "5 pears", 1.0),
        ("20 °C", "20 °F", 0.0),
        ("2 h 30 min", "2 hours and 30 minutes", 1.0),
        ("2 hours and 45 minutes", "2 hours and 30 minutes", 0.0),
    ],
)
def test_numeric_compares_units_that_both_name(said, answer, expected):
    assert score(said, answer) == score(answer, said) == expected


def test_numeric_of_answer_with_unit_reads_number_in_that_unit():
    assert score("It is 3 miles, or 5 km.", "3 mi") == score("It is 3 miles, or 5 km.", "5") == 1.0


@pytest.mark.parametrize(
    ("said", "answer", "expected"),
    [
        ("12:45", "12:30", 0.0),
        ("12", "12:30", 0.0),
        ("12:30", "12", 0.0),
        ("5:30 pm", "17:30", 1.0),
        ("5:30 am", "17:30", 0.0),
        ("It leaves at 12h30 from platform 4.", "12:30", 1.0),
        ("3:4", "3:5", 0.0),
        ("10:00-12:00", "10:00-13:00", 0.0),
        ("On 7 March 2021 we had 26 guests.", "26", 1.0),
        ("We had 26 guests on 7 March 2021.", "26", 1.0),
        ("It was on July 20, 1969.", "1969", 1.0),
        ("2021-03-07", "March 7th, 2021", 1.0),
        ("2021年3月7日", "2021-03-07", 1.0),
        ("7. März 2021", "07.03.2021", 1.0),
        ("2021-03-07", "2021-03-08", 0.0),
        ("2021-03-07", "2021", 0.0),
        ("07/03/2021", "07/03/2021", 1.0),
        ("07/03/2021", "03/07/2021", 0.0),
        ("7 March 2021 at 12:30", "2021-03-07 12:30", 1.0),
        ("2021-03-08 12:30", "2021-03-07 12:30", 0.0),
        ("The answer is 12:30. I waited 26 minutes.", "26", 0.0),
    ],
)
def test_numeric_tells_dates_and_times_from_numbers(said, answer, expected):
    assert score(said, answer) == expected


@settings(deadline=None, max_examples=150)
@given(first=st.dates(), second=st.dates(), forms=st.tuples(*[st.sampled_from(["iso", "words", "dots"])] * 2))
def test_dates_match_only_if_they_are_the_same_day(first, second, forms):
    shown = {"iso": "%Y-%m-%d", "words": "%d %B %Y", "dots": "%d.%m.%Y"}
    texts = [
        date.strftime(shown[form].replace("%Y", f"{date.year:04}"))
        for date, form in zip((first, second), forms, strict=True)
    ]
    assert score(*texts) == float(first == second)


def test_bind_learns_order_of_day_and_month_from_answers():
    assert NUMERIC("03/07/2021", ["7 March 2021"]) == 0.0
    assert bound_to("03/25/2021")("03/07/2021", ["7 March 2021"]) == 1.0
    assert bound_to("25/03/2021")("03/07/2021", ["3 July 2021"]) == 1.0


@pytest.mark.parametrize(
    ("said", "answer", "expected"),
    [
        ("The numbers are 3 and 5.", "3, 5", 1.0),
        ("4, 5", "3, 5", 0.0),
        ("5, 3", "3, 5", 0.0),
        ("(3,5)", "(3, 5)", 1.0),
        (r"So it is $2\sqrt{3}$.", r"2\sqrt{3}", 1.0),
        (r"5\sqrt{3}", r"2\sqrt{3}", 0.0),
        ("x^3 + 3", "x^2 + 3", 0.0),
        ("none", "0", 0.0),
        ("None.", "none", 1.0),
    ],
)
def test_numeric_compares_lists_formulas_and_texts_as_a_whole(said, answer, expected):
    assert score(said, answer) == expected


def test_remarks_name_unmarked_answers_with_several_numbers():
    metric = bound_to("26", SOLUTION, "Tom bakes 4 and then 9 rolls: 13", "3, 5", r"2\sqrt{3}", "7 March 2021")
    (remark,) = metric.remarks([Example("a", ("26", SOLUTION)), Example("b", ("Tom bakes 4 and then 9 rolls: 13",))])
    assert remark.startswith("metric 'numeric': 1 of 3 accepted answers hold several numbers and mark none")
    assert "4 and then 9 rolls: 13', which is read as 13; write '####'" in remark
    assert metric.remarks([Example("a", ("26", "3, 5", r"2\sqrt{3}", "7 March 2021"))]) == ()


def test_remarks_name_dates_of_unknown_order():
    (remark,) = NUMERIC.remarks([Example("a", ("07/03/2021",)), Example("b", ("2021-03-07",))])
    assert "1 of 2 accepted answers hold a date whose month is not clear, such as '07/03/2021'" in remark
    assert bound_to("03/25/2021").remarks([Example("a", ("07/03/2021",))]) == ()


PIECES = [
    "####",
    "\\boxed{",
    "}",
    "the answer is ",
    "Answer: ",
    "because ",
    "for ",
    "12:30",
    "2021-03-07",
    "1 May 2024",
]
PIECES += ["\\frac{1}{2}", " km", " pm", "3/4", "1,234", "1.234", "=", "?", ". ", "\n", " million", "Question:", "1. "]


@settings(deadline=None, max_examples=300)
@given(
    said=st.lists(st.sampled_from(PIECES) | st.text("0123456789.,-+=/:%$€ \n()[]^#*`'½³xkm", max_size=4)).map("".join),
    answer=st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join),
)
def test_numeric_of_any_text_is_0_or_1_and_every_answer_equals_itself(said, answer):
    assert NUMERIC.score(said, answer) in (0.0, 1.0)
    assert NUMERIC.score(said, said) == NUMERIC.score(answer, answer) == 1.0


def test_numeric_with_tolerance_accepts_near_numbers_and_no_other_dates():
    metric = get_metric("numeric:0.01")
    assert metric("3.14", ["3.15"]) == metric("1/3", ["0.333"]) == 1.0
    assert metric("3.14", ["3.16"]) == metric("12:30", ["12:31"]) == 0.0
