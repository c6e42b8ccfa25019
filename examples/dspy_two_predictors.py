"""Improve both instructions of a DSPy program; python serve.py dspy_model.py serves the model."""
# ruff: noqa: D101, D102, D103

import dspy

from instructzero.integrations.dspy import InstructZero

TEAMS = {"kettle": "kitchen", "toaster": "kitchen", "rake": "garden", "hose": "garden", "lamp": "office"}
TEXTS = [(f"The {word} from order {number} broke.", team) for number in range(12) for word, team in TEAMS.items()]


class Routing(dspy.Module):
    def __init__(self):
        super().__init__()
        self.find = dspy.Predict("complaint -> product")
        self.route = dspy.Predict("product -> team")

    def forward(self, complaint):
        return self.route(product=self.find(complaint=complaint).product)


def right(example, prediction, trace=None):
    return (example.team in prediction.team) / 2 + (example.team == prediction.team) / 2


dspy.configure(lm=dspy.LM("openai/demo", api_base="http://127.0.0.1:8123/v1", api_key="none"))
examples = [dspy.Example(complaint=text, team=team).with_inputs("complaint") for text, team in TEXTS]
better = InstructZero(metric=right, max_calls=400).compile(Routing(), trainset=examples)
print(*(f"{name}: {predictor.signature.instructions}" for name, predictor in better.named_predictors()), sep="\n")
print(f"score on the test examples: {better.score:.2f}; report: {better.report.name}")
