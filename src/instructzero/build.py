"""Builds the objects of a run from its settings. Nothing else does, and nothing else is done here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from instructzero.calls.budget import Budget
from instructzero.calls.held_back import BudgetReserve
from instructzero.calls.ledger import waiting_for_store
from instructzero.calls.limits import Limits
from instructzero.calls.paid import OnWait, PaidModels, ignore_wait
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, WRITER, CallStore
from instructzero.checks import check_addresses, check_batches, check_judge, check_prompt, check_writer
from instructzero.config import Settings
from instructzero.models.registry import is_asked, load_blackbox, load_writer
from instructzero.optimizers.base import Optimizer, Represent
from instructzero.optimizers.metaprompts import guess
from instructzero.optimizers.registry import (
    Materials,
    build_optimizer,
    confirms,
    races,
    stops_early,
)
from instructzero.pricing import pays_for_texts, role_prices, shows_failures, text_requests, text_role
from instructzero.prompts import (
    PromptTemplate,
    WriterPrompt,
    columns_shown,
    demonstrations,
    renderer,
    request_frame,
    template_of,
    writer_prompt,
)
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.history import History
from instructzero.records.identity import placeholder, render_judge, render_question, render_writer
from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.roles import endpoint_of
from instructzero.scoring.evaluator import Evaluator, Scores
from instructzero.scoring.failures import Failures
from instructzero.scoring.judge import JudgeMetric
from instructzero.scoring.scorers import JudgeScorer, LikelihoodScorer, MetricScorer, Scorer
from instructzero.search.finale import Finale
from instructzero.search.loop import Search
from instructzero.search.racing import Race, sixths
from instructzero.search.validation import Validation
from instructzero.tasks import Task, TaskData, load_task_data, split_task
from instructzero.tasks.classification.labels import label_of
from instructzero.tasks.custom import LoadFunction, load_function
from instructzero.types import Completion, Example
from instructzero.writing.answers import read_texts
from instructzero.writing.asking_writer import AskingWriter, MissingTexts
from instructzero.writing.projection import Projection
from instructzero.writing.rewriter import AskingRewriter
from instructzero.writing.writer import Writer

ALPHA = 0.1
"""The maximum probability that an instruction which would have been a finalist drops out of its race."""

BuildEvaluator = Callable[[Settings, Task, PaidModels, Observer, History], Scores]
"""Builds what scores the instructions of a run; `build_evaluator` is one."""


def build_task(settings: Settings) -> Task:
    """Load and split the task as a run does; raises `TaskError`."""
    return split(build_data(settings), settings)


def build_data(settings: Settings) -> TaskData:
    """Load all examples of the task; raises `TaskError`."""
    return load_task_data(
        settings.task,
        data_dir=settings.data_dir,
        test_source=settings.test_data,
        input_column=settings.input_column,
        output_column=settings.output_column,
        answer_separator=settings.answer_separator,
        metric=settings.metric,
        shown=columns_shown(settings),
    )


def build_template(settings: Settings, task: Task) -> PromptTemplate:
    """Return the template of the questions; raises `ConfigurationError` if an example lacks a column that it shows."""
    asked = (*task.exemplars[: settings.shots], *task.validation, *task.confirmation, *task.test)
    template = template_of(settings, {name for example in asked for name in example.columns})
    check_prompt(settings, template, asked)
    return template


def split(data: TaskData, settings: Settings) -> Task:
    """Divide the examples into the parts of a run; raises `TaskError` if there are too few."""
    by_validation = settings.confirmation is None and not confirms(settings)
    return divide(data, settings, confirmation=0 if by_validation else settings.confirmation)


def divide(data: TaskData, settings: Settings, *, confirmation: int | None, load: LoadFunction = load_function) -> Task:
    """Divide the examples; raises `TaskError` if there are too few.

    ``confirmation`` is the number of confirmation examples, None for the default. It does not change the other parts.
    ``load`` loads a metric that is a Python function.
    """
    return split_task(
        data,
        metric=settings.metric,
        exemplars=settings.exemplars,
        validation=settings.validation,
        test=settings.test,
        confirmation=confirmation,
        seed=settings.seed,
        load=load,
    )


def build_writer_model(settings: Settings, on_wait: OnWait = ignore_wait) -> SoftPromptModel:
    """Load the writer's model; raises `ModelError`. ``on_wait`` receives long waits for a served one."""
    endpoint = endpoint_of(settings, WRITER)
    return load_writer(
        settings.writer,
        device=settings.device,
        dtype=settings.dtype,
        batch_size=settings.batch_size,
        url=endpoint.url,
        api_key_variable=endpoint.key_env,
        headers=endpoint.headers,
        timeout=settings.writer_timeout,
        max_wait=settings.max_wait,
        on_wait=partial(on_wait, WRITER),
    )


def build_blackbox(settings: Settings) -> BlackBox:
    """Load the black box; raises `ModelError`."""
    return _load(settings, BLACK_BOX, template=settings.blackbox_template, batch_size=settings.batch_size)


def build_judge(settings: Settings) -> BlackBox | None:
    """Load the judge, if the metric needs one; raises `ConfigurationError` for one of the two without the other."""
    check_judge(settings)
    return None if settings.judge is None else _load(settings, JUDGE)


def build_asked_writer(settings: Settings) -> BlackBox:
    """Load the model of a writer that is asked in words; raises `ModelError`."""
    return _load(settings, WRITER, template=settings.writer_template, batch_size=settings.batch_size)


def _load(settings: Settings, role: str, **own: Any) -> BlackBox:
    """Load a model that answers messages, with the options of its role and its ``own``."""
    endpoint = endpoint_of(settings, role)
    return load_blackbox(
        endpoint.spec,
        device=settings.device,
        dtype=settings.dtype,
        concurrency=settings.concurrency,
        base_url=endpoint.url,
        api_key_variable=endpoint.key_env,
        timeout=endpoint.timeout,
        address_setting=endpoint.setting,
        headers=endpoint.headers,
        extra_body=endpoint.extra_body,
        role=role,
        **own,
    )


def build_judging(settings: Settings) -> JudgeMetric:
    """Make the requests for grades, and the reader of the replies."""
    return JudgeMetric(settings.judge_criteria, settings.judge_tokens)


def build_models(
    settings: Settings, blackbox: BlackBox | None = None, asked_writer: BlackBox | None = None
) -> dict[str, BlackBox]:
    """Load the models that answer, grade and write in words, by role.

    A black box or a writer that is not given is loaded from the settings.
    """
    check_addresses(settings)
    check_batches(settings)
    check_writer(settings)
    models = {BLACK_BOX: blackbox or build_blackbox(settings)}
    if judge := build_judge(settings):
        models[JUDGE] = judge
    if is_asked(settings.writer):
        models[WRITER] = asked_writer or build_asked_writer(settings)
    return models


def build_writer(
    settings: Settings, model: SoftPromptModel, task: Task, rewriter: AskingRewriter | None = None
) -> Writer:
    """Build a local or served writer. Without a ``rewriter``, its own model makes texts from other texts."""
    projection = Projection.draw(
        settings.projection,
        dimension=settings.dimension,
        soft_tokens=settings.soft_tokens,
        hidden_size=model.hidden_size,
        seed=settings.seed,
        embedding_statistics=model.embedding_statistics(),
        scale=settings.soft_scale,
    )
    prompt = _writer_prompt(settings, model, task.exemplars)
    return Writer(model, prompt, projection, settings.instruction_tokens, rewriter)


def build_asking_writer(
    settings: Settings, task: Task, paid: PaidModels, rewriter: AskingRewriter | None, observer: Observer
) -> AskingWriter:
    """Build a writer that is asked in words. Without a ``rewriter``, it makes texts from other texts too."""
    missing = MissingTexts(settings.writer, observer.warned)

    def answered(completion: Completion, cached: bool) -> None:
        observer.written(completion, cached)
        missing.check(completion)

    frame = request_frame(settings.writer_prompt, task.exemplars, settings.task_description or "")
    role, tokens = paid.role(WRITER), settings.instruction_tokens
    asker = AskingRewriter(role, max_tokens=tokens, on_answer=answered, frame=frame, read=read_texts)
    return AskingWriter(settings.writer, plain_request(task.exemplars), asker, rewriter or asker)


def plain_request(exemplars: Sequence[Example]) -> str:
    """Return the request for the plain instruction to a writer that is asked in words."""
    return guess(demonstrations(exemplars))


def _writer_prompt(settings: Settings, model: SoftPromptModel, exemplars: Sequence[Example]) -> WriterPrompt:
    return writer_prompt(
        model,
        exemplars,
        template=settings.writer_template,
        placement=settings.placement,
        text=settings.writer_prompt,
        description=settings.task_description or "",
    )


def build_search(
    settings: Settings,
    task: Task,
    writer: Writer | AskingWriter,
    evaluator: Scores,
    journal: Journal,
    budget: Budget,
    observer: Observer,
) -> Search:
    """Build the search from its parts."""
    objective = Objective(settings.length_penalty, tuple(map(label_of, task.validation)))
    finale = Finale(
        task,
        evaluator,
        objective,
        journal,
        observer,
        settings.finalists,
        settings.baseline,
        settings.start,
        shows_failures(settings),
    )
    race = _race(settings, len(task.validation))
    optimizer = build_method(settings, task, writer.represent)
    return Search(
        optimizer=optimizer,
        writer=writer,
        validation=Validation(evaluator, task.validation, objective, race, finale.contenders, optimizer.promising),
        objective=objective,
        finale=finale,
        reserve=BudgetReserve(budget, idle=(REWRITER, WRITER)),
        journal=journal,
        evaluations=settings.evaluations,
        stop_early=stops_early(settings),
        observer=observer,
        search_calls=settings.search_calls,
        stop_on_zero=settings.on_zero == "stop",
    )


def build_method(settings: Settings, task: Task, represent: Represent) -> Optimizer:
    """Build the optimizer with what it uses of the task and the writer."""
    materials = Materials(
        represent,
        demonstrations(task.exemplars),
        pays_for_texts(settings),
        soft_prompts=not is_asked(settings.writer),
        examples=task.validation,
        description=settings.task_description or "",
    )
    return build_optimizer(settings, materials)


def _race(settings: Settings, examples: int) -> Race | None:
    """Build the rule by which instructions drop out, if they race."""
    return Race(examples, sixths(examples), ALPHA) if races(settings) else None


def build_budget(settings: Settings, store: CallStore, run: str, observer: Observer, seconds: float) -> Budget:
    """Build the budget of a run: its limits, and what it has already spent, by the store and its running time."""
    waiting_for_store(partial(store.book_set_aside, run), observer.warned)
    return Budget(
        Limits(settings.max_calls, settings.max_usd, settings.max_tokens, settings.max_time),
        prices=role_prices(settings),
        spent=store.spent(run),
        seconds=seconds,
        batched=(BLACK_BOX, JUDGE) if settings.batch_api else (),
        warn=observer.warned,
    )


def build_paid_models(
    settings: Settings,
    models: Mapping[str, BlackBox],
    store: CallStore,
    budget: Budget,
    run: str,
    on_wait: OnWait,
    warn: Callable[[str], None],
) -> PaidModels:
    """Build the owner of the paid models, which books what they cost to ``run``; ``on_wait`` receives long waits."""
    return PaidModels(
        models,
        store,
        run=run,
        budget=budget,
        retries=settings.retries,
        seed=settings.seed,
        shared=settings.store is not None,
        requests_per_minute=settings.requests_per_minute,
        tokens_per_minute=settings.tokens_per_minute,
        max_wait=settings.max_wait,
        on_wait=on_wait,
        time_left=budget.time_left,
        tolerant=True,
        warn=warn,
    )


def build_prompts(settings: Settings, template: PromptTemplate, writer: SoftPromptModel | None) -> dict[str, str]:
    """Render the wording of the prompts by role, for the journal's header; ``writer`` is None if it is asked."""
    exemplars = [placeholder(template.columns)] * 2  # two, so that the text between exemplars is a part of the wording
    question = render_question(renderer(template, exemplars[: settings.shots]), template.columns)
    prompts = {BLACK_BOX: question}
    if writer is None:
        frame = request_frame(settings.writer_prompt, exemplars, settings.task_description or "")
        prompts[WRITER] = frame(plain_request(exemplars))
    else:
        prompts[WRITER] = render_writer(_writer_prompt(settings, writer, exemplars))
    if settings.judge is not None:
        prompts[JUDGE] = render_judge(build_judging(settings).request)
    role = text_role(settings)
    return prompts | {f"{role} ({name})": wording for name, wording in text_requests(settings).items()}


def build_failures(settings: Settings, task: Task, history: History, observer: Observer) -> Failures:
    """Build the limit of examples without an answer; those that the ``history`` records count already."""
    failures = Failures(settings.max_failures, (*task.validation, *task.confirmation), task.test, observer.warned)
    parts = (
        (task.validation, history.known_evaluations()),
        (task.confirmation, history.confirmations),
        (task.test, history.tests),
    )
    for examples, results in parts:
        for evaluation in results.values():
            failures.replay(examples, evaluation)
    return failures


def build_evaluator(
    settings: Settings, task: Task, paid: PaidModels, observer: Observer, history: History | None = None
) -> Evaluator:
    """Build the evaluator of a run; ``history`` is what an earlier process recorded of it."""
    scorer: Scorer = MetricScorer(task.metric)
    if JUDGE in paid.models:
        scorer = JudgeScorer(build_judging(settings), paid.role(JUDGE).answers, observer.judged)
    elif settings.scoring == "loglikelihood":
        scorer = LikelihoodScorer()
    return Evaluator(
        paid.role(BLACK_BOX),
        scorer,
        render=renderer(build_template(settings, task), task.exemplars[: settings.shots]),
        max_tokens=settings.answer_tokens,
        temperature=settings.temperature,
        likelihood=settings.scoring == "loglikelihood",
        on_answer=lambda request, completion, cached: observer.answered(completion, cached),
        failures=build_failures(settings, task, history or History(), observer),
    )


def build_rewriter(settings: Settings, paid: PaidModels, observer: Observer) -> AskingRewriter | None:
    """Build the black box as a rewriter, if the method rewrites with it."""
    if text_role(settings) != REWRITER:
        return None
    role = paid.role(REWRITER)
    return AskingRewriter(role, max_tokens=settings.instruction_tokens, on_answer=observer.answered)
