from __future__ import annotations

from sqlml.training.data import Iteration


def test_newest_iteration_first(model_rows) -> None:
    iterations = (Iteration(1, 0.5, 0.6, 0.3, 12), Iteration(2, 0.4, None, 0.3, 7))
    assert model_rows("TRAINING_INFO", "BOOSTED_TREE_REGRESSOR", iterations=iterations) == [
        {"training_run": 0, "iteration": 2, "loss": 0.4, "eval_loss": None, "learning_rate": 0.3, "duration_ms": 7},
        {"training_run": 0, "iteration": 1, "loss": 0.5, "eval_loss": 0.6, "learning_rate": 0.3, "duration_ms": 12},
    ]


def test_pca_has_one_row_without_a_loss(model_rows) -> None:
    assert model_rows("TRAINING_INFO", "PCA", iterations=(Iteration(0, None, duration_ms=3),)) == [
        {"training_run": 0, "iteration": 0, "loss": None, "eval_loss": None, "learning_rate": None, "duration_ms": 3}
    ]


def test_k_means_shows_its_clusters_and_no_eval_loss(model_rows) -> None:
    iterations = (Iteration(0, 2.0, cluster_info=((1, 0.5, 10), (2, 0.0, 0))), Iteration(1, 1.0, cluster_info=((1, 0.25, 9), (2, 0.1, 1))))
    rows = model_rows("TRAINING_INFO", "KMEANS", iterations=iterations)
    assert list(rows[0]) == ["training_run", "iteration", "loss", "learning_rate", "duration_ms", "cluster_info"]
    assert [row["iteration"] for row in rows] == [1, 0]
    assert rows[1]["cluster_info"] == [
        {"centroid_id": 1, "cluster_radius": 0.5, "cluster_size": 10},
        {"centroid_id": 2, "cluster_radius": 0.0, "cluster_size": 0},
    ]


def test_no_iterations_give_no_rows_and_all_columns(model_rows) -> None:
    assert model_rows("TRAINING_INFO", "KMEANS") == []
