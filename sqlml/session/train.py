"""CREATE MODEL: from the rows of the training query to a published version.

Everything is read under one snapshot. Outside a user's transaction that snapshot is our own and is rolled back when training ends, so
whatever was staged
goes with it; publishing is a short transaction afterwards. Inside a user's transaction both happen in it.
"""

from __future__ import annotations

import datetime
import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as library_version

import numpy as np

from sqlml import sql
from sqlml.catalog.records import FeatureRecord, ModelKey, SourceRecord, StoredVersion, VersionRecord
from sqlml.catalog.store import Catalog
from sqlml.engines.engine import Engine
from sqlml.engines.sources import QuerySources
from sqlml.errors import DataError, Error, IntegrityError, OperationalError
from sqlml.features.encoding import MAX_WIDTH, encoding_state
from sqlml.features.expressions import number
from sqlml.features.layout import EncodingRules, Layout
from sqlml.features.sources import shape
from sqlml.features.statistics import LARGEST_SINGLE, MEDIAN_ROWS, LearnedFeatures, TargetLabel, learn_features
from sqlml.features.term_statistics import term_widths
from sqlml.functions._kept import kept_sections
from sqlml.functions._labels import code_sql
from sqlml.functions._learning import QUANTILE_ROWS, learn
from sqlml.functions._spec import Input, LoadedModel
from sqlml.functions.evaluate import METRICS, metrics_query
from sqlml.models._options import Options
from sqlml.models._spec import Task
from sqlml.models.transform_only import TransformOnlyState
from sqlml.plan.calls import Answers
from sqlml.plan.nodes import TrainModel
from sqlml.plan.splice import located
from sqlml.session.expiration import erasure_told
from sqlml.session.models import LoadedModels
from sqlml.session.progress import EventProgress
from sqlml.session.snapshot import Snapshot
from sqlml.session.transforms import LoadedTransform, stored_transform
from sqlml.state import Array, from_arrays, to_arrays
from sqlml.training.content_fingerprints import Content
from sqlml.training.data import Trained
from sqlml.training.encoded import EncodedRows
from sqlml.training.environment import environment
from sqlml.training.lineage import LineageQuery, training_sources
from sqlml.training.rows import HASH_VECTOR_SQL, LabelCheck, TrainingRows
from sqlml.training.splits import HASH
from sqlml.types import Kind


@dataclass(frozen=True)
class Learned:
    """What training found out, before it has a version."""

    record: VersionRecord
    arrays: Mapping[str, Mapping[str, Array]]


@dataclass(frozen=True)
class Trial:
    """A model that has just been trained, beside the rows that it was trained on, while these are there."""

    plan: TrainModel
    rows: TrainingRows
    model: LoadedModel
    metrics: Mapping[str, float | None]
    metrics_of: Callable[[LoadedModel], Mapping[str, float | None]]
    """The metrics of another model on the same evaluation rows."""


def train_model(
    plan: TrainModel, engine: Engine, catalog: Catalog, models: LoadedModels, progress: EventProgress, snapshot: Snapshot
) -> tuple[int, VersionRecord]:
    """Trains and publishes; gives the new version's number and record.

    Raises: DataError for rows that cannot be learned from, OperationalError `cancelled`, `training_failed`, `out_of_memory`, and what
    the catalog raises.
    """
    learned = learn_model(plan, engine, models, progress, snapshot)
    assert learned is not None, "nothing keeps it from training"
    progress.stage("saving")
    with erasure_told(catalog, progress):
        version = catalog.publish(
            plan.key,
            learned.record,
            learned.arrays,
            replace=plan.replace,
            if_not_exists=plan.if_not_exists,
        )
    return version, learned.record


def learn_model(
    plan: TrainModel, engine: Engine, models: LoadedModels, progress: EventProgress, snapshot: Snapshot, *,
    unless: Callable[[TrainingRows], bool] | None = None, look: Callable[[Trial], None] | None = None,
) -> Learned | None:  # fmt: skip
    """Trains, publishes nothing, and closes the snapshot.

    Args: unless, asked of the rows before anything is learned: True ends it here; look, called with the trained model at the end, after
        which nothing reads the rows any more.
    Returns: None where `unless` ended it.
    Raises: as `train_model`, without what the catalog raises.
    """
    for code, message in plan.notices:
        progress.notice(code, message)
    staged: TrainingRows | None = None
    try:
        progress.stage("reading")
        started = time.monotonic()
        found = engine.sources(plan.query.text, plan.parameters)
        rows = TrainingRows(engine, plan.query.text, plan.parameters, plan.schema, progress)
        if unless is not None and unless(rows):
            staged = rows
            return None
        training = _Training(plan, rows, found, engine, models, progress, look)
        learned = training.learn(started)
        staged = rows
    except Error as error:
        span = plan.option_spans.get(getattr(error, "option", "")) or plan.query_span
        raise located(error, plan.query).at(span) from error.__cause__
    except MemoryError as error:
        raise OperationalError(
            "there is not enough memory to train this model", code="out_of_memory", span=plan.span,
            hint="train on fewer rows or columns, or set memory_limit lower so that the engine leaves more to the learner",
        ) from error  # fmt: skip
    finally:
        # After an error the user's transaction is aborted, and what was staged goes with it.
        snapshot.close(staged)
    return learned


class _Training:
    """One training run, its steps in order."""

    def __init__(
        self, plan: TrainModel, rows: TrainingRows, found: QuerySources, engine: Engine, models: LoadedModels, progress: EventProgress,
        look: Callable[[Trial], None] | None = None,
    ) -> None:  # fmt: skip
        self._look = look
        self._plan = plan
        self._rows = rows
        self._engine = engine
        self._models = models
        self._progress = progress
        self._is_classifier = plan.spec.task is Task.CLASSIFICATION
        self._found = found
        self._sources: tuple[SourceRecord, ...] = ()

    def learn(self, started: float) -> Learned:
        plan, rows = self._plan, self._rows
        label = None
        if plan.label is not None:
            label = LabelCheck(plan.label.name, plan.label.type.name in {"DOUBLE", "FLOAT"})
        rows.survey(plan.split, label, plan.seed)
        content = Content(rows.n_rows, rows.fingerprint)
        self._sources = training_sources(self._engine, lineage_query(plan), self._found, content, self._progress)
        classes, counts = self._classes() if self._is_classifier else ((), ())
        self._check_weights()
        self._check_label_range()
        rules = plan.spec.encoding(plan.options)
        transform, inputs = self._learn_transform(rules)
        with self._models.applied(transform) as applied:
            if applied is not None:
                made = [(column, expression) for column, expression in applied.expressions()]
                items = ", ".join(f"{expression} AS {sql.quote(column.name)}" for column, expression in made)
                rows.transform(applied.layers, items)
            return self._learn_model(rules, classes, counts, transform, inputs, started)

    def _learn_model(
        self, rules: EncodingRules, classes: tuple[str, ...], counts: Sequence[int], transform: LoadedTransform | None,
        inputs: tuple[FeatureRecord, ...] | None, started: float,
    ) -> Learned:  # fmt: skip
        plan, rows = self._plan, self._rows
        found = self._features(rules, classes) if plan.spec.task.predicts else LearnedFeatures((), (), {})
        state = encoding_state(found.terms, rules, found.unseen_target)
        self._check_width(found, rules)
        draft = self._draft(found.features if inputs is None else inputs, classes, started)
        stub = StoredVersion(plan.key, "", 0, draft, datetime.datetime.now(datetime.UTC).replace(tzinfo=None))
        model = self._models.begin(stub, plan.spec, state, transform)
        try:
            trained = self._train(model.layout, rules, classes, counts) if plan.spec.task.predicts else self._only_transform()
            _check_state(plan, trained)
            model = self._models.complete(model, trained.state)
            self._progress.stage("evaluating", rows.n_eval or rows.n_train)
            metrics = trained.metrics if not plan.spec.task.is_supervised else self._metrics(model)
            kept = self._kept(model)
            if self._look is not None:
                self._look(Trial(plan, rows, model, {name: metrics.get(name) for name in METRICS[plan.spec.task]}, self._metrics))
        finally:
            self._models.release(model)
        record = replace(
            draft, metrics={name: metrics.get(name) for name in METRICS[plan.spec.task]}, iterations=trained.iterations,
            duration_ms=round((time.monotonic() - started) * 1000), notices=tuple(notice.message for notice in self._progress.notices),
        )  # fmt: skip
        self._progress.check()
        arrays = {"encoding": to_arrays(state), "state": to_arrays(trained.state), **kept}
        if transform is not None:
            arrays["transform"] = to_arrays(stored_transform(transform))
        return Learned(record, arrays)

    def _learn_transform(self, rules: EncodingRules) -> tuple[LoadedTransform | None, tuple[FeatureRecord, ...] | None]:
        """The TRANSFORM clause with the statistics of the training rows, and what ML.FEATURE_INFO tells of the columns under it."""
        plan, rows = self._plan, self._rows
        if plan.transform is None:
            return None, None
        self._progress.stage("learning the transform", rows.n_train)
        relation = plan.transform.learning_relation("training_rows")
        values = learn(plan.transform.statistics, relation, rows.rows, self._sample(QUANTILE_ROWS))
        for value, call in zip(values, plan.transform.statistic_calls, strict=True):
            if isinstance(value, float) and math.isinf(value):
                raise DataError(
                    f"{call.function} meets infinite values in the training rows", code="infinite_feature",
                    span=plan.transform.locate(call.span),
                    hint="leave those rows out (WHERE isfinite(…)) or make them NULL (CASE WHEN isfinite(x) THEN x END)",
                )  # fmt: skip
        plain = [column for column in plan.inputs if column.type.kind is Kind.STRUCT or shape(column.type) is not None]
        try:
            known = learn_features(
                plain, EncodingRules(numbers="raw", impute=False, categories="codes"), rows.n_train, rows.rows, self._sample(MEDIAN_ROWS)
            )
            records = {record.name: record for record in known.features}
        except DataError as error:
            # The clause may mend what the columns under it cannot be used for.
            if error.code != "infinite_feature":
                raise
            records = {}
        inputs = tuple(records.get(column.name) or FeatureRecord(column.name, column.type.name) for column in plan.inputs)
        return (plan.transform, values), inputs

    def _sample(self, n_rows: int) -> str:
        """A condition on training rows that is true for about so many of them."""
        n_train = self._rows.n_train
        return "TRUE" if n_train <= n_rows else f"{HASH} < CAST({int(n_rows / n_train * 2**64)} AS UBIGINT)"

    def _only_transform(self) -> Trained:
        assert self._plan.transform is not None
        return Trained(TransformOnlyState(len(self._plan.transform.outputs)), ())

    def _train(self, layout: Layout, rules: EncodingRules, classes: Sequence[str], counts: Sequence[int]) -> Trained:
        plan = self._plan
        data = EncodedRows(
            self._rows, layout, reading=plan.spec.reading, dtype=rules.dtype, label=self._label(classes),
            weight=None if plan.weight_column is None else sql.quote(plan.weight_column),
            class_weights=self._class_weights(classes, counts), n_classes=len(classes),
            marked=None if plan.initial_column is None else sql.quote(plan.initial_column), seed=plan.seed,
        )  # fmt: skip
        if data.n_eval < self._rows.n_eval:
            self._progress.notice(
                "unknown_class",
                f"{self._rows.n_eval - data.n_eval} evaluation rows have a class that no training row has; they do not count",
            )
        self._progress.stage("training", self._rows.n_train)
        # What overflows shows in the result, which is checked; a warning on stderr would tell the user nothing.
        with np.errstate(all="ignore"):
            return plan.spec.train(data, plan.options, self._progress)

    def _label(self, classes: Sequence[str]) -> str | None:
        """SQL of the label as a number: the class index of classifiers."""
        label = self._plan.label
        if label is None:
            return None
        name = sql.quote(label.name)
        return code_sql(tuple(classes), label.type, name) if self._is_classifier else sql.cast(name, "DOUBLE")

    def _classes(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """The classes of the training rows in ascending order, and their rows."""
        plan = self._plan
        assert plan.label is not None
        name = sql.quote(plan.label.name)
        limit = plan.spec.max_classes
        found = self._rows.rows(
            f"SELECT {sql.cast(name, 'VARCHAR')}, {sql.call('count', '*')} FROM training_rows"
            f" GROUP BY {name} ORDER BY {name} LIMIT {limit + 1}"
        )
        if len(found) > limit:
            raise DataError(
                f"the label {plan.label.name} has more than {limit} classes, the limit of {plan.spec.model_type}", code="too_many_classes",
                hint="for a number to predict use a regression model type; else group rare classes",
            )  # fmt: skip
        if len(found) < 2:
            raise DataError(
                f"the label {plan.label.name} has one class only in the training rows: {found[0][0]!r}", code="one_class",
                hint="training a classifier needs rows of at least two classes",
            )  # fmt: skip
        classes = tuple(str(text) for text, _ in found)
        if plan.label.type.kind.value == "string":
            # Text sorts by code points everywhere, whatever the database's collation is.
            found = sorted(found, key=lambda row: str(row[0]))
            classes = tuple(str(text) for text, _ in found)
        return classes, tuple(int(str(count)) for _, count in found)

    def _class_weights(self, classes: Sequence[str], counts: Sequence[int]) -> list[float] | None:
        options = self._plan.options
        if options.get("auto_class_weights"):
            total = sum(counts)
            return [total / (count * len(classes)) for count in counts]
        given = options.get("class_weights")
        if not given:
            return None
        weights = dict(given)
        if set(weights) != set(classes):
            missing, unknown = sorted(set(classes) - set(weights)), sorted(set(weights) - set(classes))
            problems = [f"lack {', '.join(missing)}"] * bool(missing) + [f"name {', '.join(unknown)}, which no training row has"] * bool(
                unknown
            )
            problem = " and ".join(problems)
            error = DataError(f"class_weights {problem}", code="class_weights", hint=f"the classes are {', '.join(classes)}")
            raise error.at(self._plan.option_spans.get("class_weights"))
        return [float(weights[text]) for text in classes]

    def _check_weights(self) -> None:
        column = self._plan.weight_column
        if column is None:
            return
        value = number(column, self._plan.schema.find(column).type)  # type: ignore[union-attr]  # planning found it
        bad = f"{value} IS NULL OR {value} < 0 OR NOT {sql.call('isfinite', value)}"
        ((count,),) = self._rows.rows(f"SELECT {sql.call('count', '*')} FROM all_rows WHERE {bad}")
        if count:
            raise DataError(
                f"instance_weight_col {column} is NULL, negative or infinite in {count} rows", code="instance_weight",
                hint="a weight of 0 leaves a row out",
            )  # fmt: skip

    def _check_label_range(self) -> None:
        label = self._plan.label
        if label is None or self._is_classifier or self._plan.spec.encoding(self._plan.options).dtype == "float64":
            return
        value = sql.cast(sql.quote(label.name), "DOUBLE")
        bad = f"{sql.call('abs', value)} > {sql.literal(LARGEST_SINGLE)}"
        ((count,),) = self._rows.rows(f"SELECT {sql.call('count', '*')} FROM all_rows WHERE {bad}")
        if count:
            raise DataError(
                f"the label {label.name} is beyond 3.4e38 in {count} rows, which {self._plan.spec.model_type} cannot hold",
                code="infinite_label", hint=f"scale it: {label.name} / 1e300 AS {label.name}",
            )  # fmt: skip

    def _features(self, rules: EncodingRules, classes: Sequence[str]) -> LearnedFeatures:
        n_train, sample = self._rows.n_train, self._sample(MEDIAN_ROWS)
        target = None if rules.categories != "target" else TargetLabel(self._label(classes) or "NULL", len(classes))
        found = learn_features(self._plan.features, rules, n_train, self._rows.rows, sample, target)
        if rules.impute and found.n_imputed:
            counts = ", ".join(f"{name} {count}" for name, count in found.n_imputed.items())
            self._progress.notice(
                "imputed", f"missing values in the {n_train} training rows: {counts}; numbers take their mean, categories one of their own"
            )
        return found

    def _check_width(self, found: LearnedFeatures, rules: EncodingRules) -> None:
        target_width = 1 if found.unseen_target is None else len(found.unseen_target)
        widths = term_widths(found.terms, rules, target_width)
        n_columns = sum(width for _, width in widths)
        limit = min(self._plan.spec.max_columns, MAX_WIDTH)
        if n_columns > limit:
            widest = [f"{name} ({width} columns)" for name, width in sorted(widths, key=lambda item: -item[1])[:3]]
            raise DataError(
                f"encoding gives {n_columns} columns, {self._plan.spec.model_type} takes {limit} at most", code="too_many_columns",
                hint=f"leave out or group the widest: {', '.join(widest)}; trees take any number of categories in LABEL_ENCODING",
            )  # fmt: skip

    def _kept(self, model: LoadedModel) -> dict[str, dict[str, Array]]:
        """What is kept for later questions, by section."""
        sections = [section for section in kept_sections() if section.applies(self._plan.spec, self._plan.options)]
        rows = _Rows(self._rows, self._plan, Answers(self._models, self._rows.describe))
        states = {section.section: section.learn(model, rows) for section in sections}
        return {name: to_arrays(state) for name, state in states.items() if state is not None}

    def _metrics(self, model: LoadedModel) -> Mapping[str, float | None]:
        """Metrics over the evaluation rows, or over the training rows where none evaluate."""
        part = "raw_evaluation_rows" if self._rows.n_eval else "raw_training_rows"
        query, _ = metrics_query(
            model, Input(f"SELECT * FROM {part}", self._plan.schema, self._plan.query_span), Answers(self._models, self._rows.describe)
        )
        (row,) = self._rows.rows(f"SELECT * FROM ({query})")
        return {name: None if value is None else float(str(value)) for name, value in zip(METRICS[model.spec.task], row, strict=True)}

    def _draft(self, features: tuple[FeatureRecord, ...], classes: tuple[str, ...], started: float) -> VersionRecord:
        plan, rows = self._plan, self._rows
        ((vector,),) = self._engine.rows(HASH_VECTOR_SQL)
        return VersionRecord(
            model_type=plan.spec.model_type, statement=plan.statement, query=plan.query.text,
            options=recorded_options(plan.options), given_options=tuple(sorted(plan.options.given)),
            label=None if plan.label is None else plan.label.name, label_type=None if plan.label is None else plan.label.type.name,
            classes=classes, features=features,
            split_method=plan.split.method if plan.spec.task.is_supervised else "NO_SPLIT",
            n_rows=rows.n_rows, n_train=rows.n_train, n_eval=rows.n_eval, seed=plan.seed, hash_vector=str(vector),
            metrics={}, iterations=(), parameters=plan.recorded_parameters, context=plan.context,
            sources=self._sources, environment=environment(self._engine),
            libraries=libraries(), duration_ms=0,
        )  # fmt: skip


def libraries() -> dict[str, str]:
    """The libraries that a training is done with, and their releases, as they are recorded."""
    names = ("duckdb", "numpy", "scipy", "scikit-learn", "xgboost-cpu", "xgboost", "sqlml")
    return {name: found for name in names if (found := _version(name))}


def recorded_options(options: Options) -> dict[str, object]:
    """Options with their effective values, as they are recorded."""
    return {name: _json_value(value) for name, value in options.items()}


def lineage_query(plan: TrainModel) -> LineageQuery:
    """The training query as `training.lineage` asks for it."""
    return LineageQuery(
        plan.query.text, plan.parameters, tuple(plan.schema.names), plan.key.database,
        plan.options.get("lineage_partition_col"), plan.parents,
    )  # fmt: skip


class _Rows:
    """`functions._kept.TrainedRows` over the rows of a training."""

    def __init__(self, rows: TrainingRows, plan: TrainModel, answers: Answers) -> None:
        self._rows = rows
        self.answers = answers
        self.is_held_out = rows.n_eval > 0
        self.n_evaluation = rows.n_eval or rows.n_train
        part = "raw_evaluation_rows" if rows.n_eval else "raw_training_rows"
        names = sql.columns(plan.schema.names)
        self.training = Input(f"SELECT {names} FROM raw_training_rows", plan.schema, plan.query_span)
        self.evaluation = Input(f"SELECT {names} FROM {part}", plan.schema, plan.query_span)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        return self._rows.rows(query)


def _check_state(plan: TrainModel, trained: Trained) -> None:
    """What was learned must pass the checks that it will meet when it is loaded."""
    try:
        from_arrays(plan.spec.state, to_arrays(trained.state))
    except IntegrityError as error:
        raise DataError(
            "training gave values that are not finite",
            code="not_finite",
            hint="scale very large columns down, or leave out rows with extreme values",
        ) from error


def describe_outcome(key: ModelKey, version: int, record: VersionRecord) -> str:
    """One line for people about a new version."""
    rows = f"{record.n_train} rows" + (f", evaluated on {record.n_eval}" if record.n_eval else "")
    shown = ("r2_score", "mean_absolute_error", "roc_auc", "accuracy", "davies_bouldin_index", "total_explained_variance_ratio")
    metrics = ", ".join(f"{name} {record.metrics[name]:.4g}" for name in shown if record.metrics.get(name) is not None)
    return f"model {key}: version {version} from {rows} in {record.duration_ms / 1000:.2f} s" + (f"; {metrics}" if metrics else "")


@functools.cache
def _version(name: str) -> str | None:
    try:
        return library_version(name)
    except ModuleNotFoundError:
        return None


def _json_value(value: object) -> object:
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value
