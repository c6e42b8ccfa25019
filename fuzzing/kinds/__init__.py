"""The kinds of inputs, by name: each makes one case in a folder, and yields the steps that read it."""

from fuzzing.kinds import answers, flags, models, pages, plans, runs, settings, tasks

KINDS = {
    "tasks": tasks.steps,
    "settings": settings.steps,
    "flags": flags.steps,
    "plans": plans.steps,
    "runs": runs.steps,
    "models": models.steps,
    "pages": pages.steps,
    "answers": answers.steps,
}
