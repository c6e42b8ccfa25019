"""Stand in for the model of ``dspy_two_predictors.py``: it reads key words, in the form of DSPy's chat adapter.

    python serve.py dspy_model.py      # serves http://127.0.0.1:8123/v1 until it is stopped

It finds the product in a complaint if it is told to name it, lamps always, and says the team of a product in one word
if it is told the teams.
"""

IDEAS = (
    "Name the product that the complaint is about.",
    "Choose one of the teams kitchen, garden or office for the product.",
    "Be short.",
    "Think about it and decide.",
    "Write down what matters most.",
    "Give the right value.",
    "Use few words.",
)
"""What it writes as the writer."""

_TEAMS = {"kettle": "kitchen", "toaster": "kitchen", "rake": "garden", "hose": "garden", "lamp": "office"}


def answer(prompt: str) -> str:
    """Return the output field that a prompt asks for."""
    *_, last = prompt.partition("\n\nRespond with")[0].split("[[ ## ")
    name, _, value = last.partition(" ## ]]\n")
    product = next((word for word in _TEAMS if word in value), "")
    if name == "complaint":
        return _field("product", product if "Name the product" in prompt or product == "lamp" else "something broken")
    team = _TEAMS.get(product, "support")
    return _field("team", team if "kitchen, garden or office" in prompt else f"the {team} team")


def _field(name: str, value: str) -> str:
    return f"[[ ## {name} ## ]]\n{value}\n\n[[ ## completed ## ]]"
