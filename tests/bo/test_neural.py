"""The network of INSTINCT: predictions, uncertainty, training and choice."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo import neural
from instructzero.bo.neural import (
    Network,
    choose_upper_bounds,
    covariance_given,
    predict,
    principal_components,
    train,
)


def tensor(rows):
    return torch.tensor(rows, dtype=torch.float64)


def random_points(count, size, seed=0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_network(units, size, seed=0):
    return Network(
        random_points(units, size, seed),
        random_points(1, units, seed + 1)[0],
        random_points(1, units, seed + 2)[0],
        tensor(0.5),
    )


def exploration_by_definition(gradients, observed, regularisation):
    """Return λ g(x)ᵀ U⁻¹ g(x) with U = λ I + Σ g gᵀ, from an explicit inverse."""
    u = regularisation * np.eye(gradients.shape[1])
    for row in observed:
        u += np.outer(gradients[row], gradients[row])
    return regularisation * np.einsum("ni,ij,nj->n", gradients, np.linalg.inv(u), gradients)


class TestNetwork:
    """Predictions and gradients."""

    def test_predictions_equal_hand_computation(self):
        network = Network(tensor([[1.0, 0.0], [0.0, -1.0]]), tensor([0.0, 1.0]), tensor([2.0, 3.0]), tensor(10.0))
        # relu(1, −5 + 1) = (1, 0) and relu(−1, 0 + 1) = (0, 1)
        assert network(tensor([[1.0, 5.0], [-1.0, 0.0]])).tolist() == [12.0, 13.0]

    def test_gram_equals_product_of_parameter_gradients(self):
        network, points = random_network(5, 3), random_points(7, 3, seed=9)
        parameters = [network.hidden, network.shift, network.output, network.offset]
        for parameter in parameters:
            parameter.requires_grad_()
        gradients = [
            torch.cat([part.flatten() for part in torch.autograd.grad(network(point[None]).squeeze(), parameters)])
            for point in points
        ]
        stacked = torch.stack(gradients)
        assert torch.allclose(network.gram(points), stacked @ stacked.T)


class TestExploration:
    """The covariance of NeuralUCB."""

    def test_variance_of_linear_network_equals_hand_computation(self):
        # f(x) = θᵀx has the gradient x. λ = 1/2 and x = (1, 0) observed: U = diag(3/2, 1/2), λ U⁻¹ = diag(1/3, 1).
        points = tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 2.0]])
        covariance = covariance_given(points @ points.T, torch.tensor([0]), 0.5)
        assert covariance.diagonal().tolist() == pytest.approx([1 / 3, 1.0, 9 / 3 + 4.0])

    @settings(max_examples=25, deadline=None)
    @given(seed=st.integers(0, 1000), regularisation=st.floats(0.01, 10))
    def test_variance_equals_definition_with_dense_inverse(self, seed, regularisation):
        gradients, observed = random_points(6, 4, seed), [1, 3, 4]
        covariance = covariance_given(gradients @ gradients.T, torch.tensor(observed), regularisation)
        by_definition = exploration_by_definition(gradients.numpy(), observed, regularisation)
        assert covariance.diagonal().numpy() == pytest.approx(by_definition, rel=1e-6, abs=1e-9)

    def test_variance_decreases_most_at_repeated_point(self):
        gradients = random_points(5, 8)
        once = covariance_given(gradients @ gradients.T, torch.tensor([2]))
        twice = covariance_given(once, torch.tensor([2]))
        assert 0 < twice[2, 2] < once[2, 2] < (gradients @ gradients.T)[2, 2]
        assert bool((twice.diagonal() <= once.diagonal()).all())

    def test_joint_and_sequential_observations_give_same_covariance(self):
        gram = random_network(4, 3).gram(random_points(6, 3))
        together = covariance_given(gram, torch.tensor([0, 5, 3]))
        one_by_one = covariance_given(covariance_given(gram, torch.tensor([5])), torch.tensor([3, 0]))
        assert torch.allclose(together, one_by_one)

    def test_mean_variance_without_observations_is_one(self):
        network, points = random_network(4, 3), random_points(6, 3)
        mean, covariance = predict(network, points, torch.tensor([], dtype=torch.long))
        assert torch.equal(mean, network(points))
        assert float(covariance.diagonal().mean()) == pytest.approx(1.0)


class TestTraining:
    """Training by Adam."""

    def test_initial_weights_predict_zero_with_distinct_units(self):
        network = neural._network(neural._first_weights(3, seed=0), 3)
        assert network(random_points(4, 3)).abs().max() < 1e-12
        assert len(network.hidden.unique(dim=0)) == neural.WIDTH // 2

    def test_training_learns_targets_and_interpolates(self):
        points = random_points(60, 2)
        targets = (points[:, 0] > 0).double() * 2 - 1
        network = train(points[:40], torch.arange(40), targets[:40], seed=0)
        assert float((network(points[:40]) - targets[:40]).square().mean()) < 0.2
        assert float((network(points[40:]).sign() == targets[40:]).double().mean()) > 0.85

    def test_training_is_deterministic_and_depends_on_seed(self):
        points, rows, targets = random_points(8, 3), torch.arange(5), random_points(1, 5)[0]
        first, again, other = (train(points, rows, targets, seed=seed)(points) for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.allclose(first, other)

    def test_penalty_receives_all_predictions_and_training_progress(self):
        points, rows = random_points(6, 2), torch.tensor([4, 1])
        progress = []

        def pull(predictions, done):
            progress.append(done)
            return 100 * (predictions[[0, 2, 3, 5]] - 1).square().sum()

        network = train(points, rows, tensor([0.0, 0.0]), seed=0, penalty=pull)
        assert network(points)[[0, 2, 3, 5]].sub(1).abs().max() < 0.3
        assert progress == sorted(progress)
        assert progress[0] == 0
        assert progress[-1] < 1

    def test_training_restores_number_of_threads(self):
        before = torch.get_num_threads()
        train(random_points(3, 2), torch.arange(3), tensor([0.0, 1.0, 0.0]), seed=0)
        assert torch.get_num_threads() == before


class TestPrincipalComponents:
    """The input of the network."""

    def test_all_components_keep_distances_up_to_scale(self):
        features = random_points(9, 4)
        coordinates = principal_components(features, 4)
        ratio = torch.pdist(coordinates) / torch.pdist(features)
        assert torch.allclose(ratio, ratio[0].expand_as(ratio))
        assert float(coordinates.square().mean()) == pytest.approx(1.0)

    def test_first_component_has_largest_variance(self):
        features = random_points(50, 3) * tensor([1.0, 10.0, 0.1])
        leading = principal_components(features, 1).squeeze()
        assert abs(np.corrcoef(leading, features[:, 1])[0, 1]) > 0.99

    def test_components_of_equal_features_are_zero(self):
        assert torch.equal(principal_components(torch.ones(5, 3, dtype=torch.float64)), torch.zeros(5, 3).double())


class TestChoice:
    """Choice by upper bounds."""

    def test_choice_takes_largest_mean_plus_sigma(self):
        covariance = torch.diag(tensor([0.0, 4.0, 1.0]))  # bounds 1.5, 2 and 1.9
        assert choose_upper_bounds(tensor([1.5, 0.0, 0.9]), covariance, torch.arange(3), 3) == [1, 2, 0]

    def test_choice_skips_point_explained_by_chosen_point(self):
        # Points 0 and 1 have the same gradient: after point 0 is added to U, point 1 has almost no variance left.
        gradients = tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.9]])
        assert choose_upper_bounds(torch.zeros(3).double(), gradients @ gradients.T, torch.arange(3), 2) == [0, 2]

    def test_choice_takes_one_per_group_and_no_excluded_point(self):
        mean, covariance = tensor([5.0, 9.0, 4.0, 8.0, 1.0]), torch.eye(5).double()
        assert choose_upper_bounds(mean, covariance, torch.tensor([3, -1, 7, 3, 7]), 10) == [3, 2]

    def test_choice_adds_whole_group_to_observations(self):
        # Point 1 is in the group of 0, and 2 has the gradient of 1: choosing 0 adds 1 to U, which explains 2.
        gradients = tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.5]])
        mean, group = tensor([1.0, 0.0, 0.0, 0.0]), torch.tensor([0, 0, 2, 3])
        assert choose_upper_bounds(mean, gradients @ gradients.T, group, 2) == [0, 3]
