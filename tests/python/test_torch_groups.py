# SPDX-License-Identifier: Apache-2.0
"""ravine.torch is made, refuses and groups as torch.optim does."""

import re

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import ravine
import ravine.torch
from torch_cases import EVERY, PYTORCH, give_gradients, of, parameters, run

# ---- what a class is -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PYTORCH)
def test_constructor_is_pytorchs(name):
    params = parameters([1.0, 2.0])
    ours, theirs = of(name, params), getattr(torch.optim, name)(parameters([1.0, 2.0]))
    assert isinstance(ours, getattr(torch.optim, name))
    assert ours.defaults == theirs.defaults
    group = ours.state_dict()["param_groups"]
    assert group == theirs.state_dict()["param_groups"]


@pytest.mark.parametrize("name", EVERY)
def test_minimizes_rosenbrock(name):
    (p,) = parameters([1.5, 1.5], dtype=torch.float64)
    lr = {"Adadelta": 1.0, "SGD": 1e-3, "ASGD": 1e-3, "RAdam": 1e-3}.get(name, 2e-2)
    optimizer = of(name, [p], lr=lr)

    def loss():
        optimizer.zero_grad()
        value = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        value.backward()
        return value

    start = loss().item()
    for _ in range(300):
        optimizer.step(loss)
    assert loss().item() < start / 10


@pytest.mark.parametrize("name", EVERY)
def test_can_be_printed(name):
    text = repr(of(name, parameters([1.0])))
    assert text.startswith(f"{name} (") and "lr: " in text


# ---- errors --------------------------------------------------------------------------------------


WRONG = [
    ("SGD", {"lr": -1}),
    ("SGD", {"momentum": -0.5}),
    ("SGD", {"nesterov": True}),
    ("Adam", {"lr": -1}),
    ("Adam", {"betas": (1.0, 0.0)}),
    ("Adam", {"weight_decay": -1}),
    ("Adam", {"eps": -1}),
    ("Adam", {"lr": torch.tensor([0.1, 0.2])}),
    ("AdamW", {"betas": (0.9, 1.0)}),
    ("AdamW", {"foreach": True, "fused": True}),
    ("Adagrad", {"lr_decay": -0.5}),
    ("Adadelta", {"rho": 1.1}),
    ("Adamax", {"betas": (0.0, 1.0)}),
    ("ASGD", {"weight_decay": -0.5}),
    ("NAdam", {"momentum_decay": -0.2}),
    ("RAdam", {"weight_decay": -1}),
    ("RMSprop", {"momentum": -1.0}),
    ("Rprop", {"etas": (1.0, 0.5)}),
]


@pytest.mark.parametrize("name, settings", WRONG)
def test_messages_are_pytorchs(name, settings):
    with pytest.raises(Exception) as theirs:
        getattr(torch.optim, name)(parameters([1.0]), **settings)
    with pytest.raises(type(theirs.value), match=re.escape(str(theirs.value))):
        of(name, parameters([1.0]), **settings)


@pytest.mark.parametrize(
    "name, settings, words",
    [
        ("SGD", {"momentum": 1.5}, "momentum of group 0 is 1.5"),
        ("Adadelta", {"rho": 1.0}, "rho of group 0 is 1"),
        ("Lion", {"betas": (0.9, 1.0)}, "beta2 of group 0 is 1"),
        ("AdamW", {"nonfinite": "ignore"}, "nonfinite is 'ignore'"),
        ("Adan", {"decay_form": "sideways"}, "decay_form is 'sideways'"),
    ],
)
def test_what_the_library_refuses(name, settings, words):
    with pytest.raises(ValueError, match=words):
        of(name, parameters([1.0]), **settings)


def test_an_unknown_argument_of_our_own():
    with pytest.raises(TypeError, match="Lion has no argument eps; it has lr, "):
        ravine.torch.Lion(parameters([1.0]), eps=1)


@pytest.mark.parametrize("name", EVERY)
def test_parameters_that_are_refused(name):
    with pytest.raises(TypeError, match="iterable of Tensors"):
        of(name, torch.zeros(2))
    with pytest.raises(ValueError, match="empty parameter list"):
        of(name, [])
    with pytest.raises(ValueError, match="non-leaf"):
        of(name, [parameters([1.0])[0] * 2])
    with pytest.raises(TypeError, match="ordered collections"):
        of(name, [{"params": set(parameters([1.0]))}])


@pytest.mark.parametrize(
    "dtype, instead",
    [
        (torch.bfloat16, "keep it in torch.float32 and compute under torch.autocast, or "),
        (torch.float16, "keep it in torch.float32 and compute under torch.autocast, or "),
        (torch.complex64, ""),
    ],
)
def test_types_that_are_not_supported(dtype, instead):
    p = torch.zeros(3, dtype=dtype, requires_grad=True)
    words = f"parameter 0 of group 0 is {dtype}; .*: {instead}step it with torch.optim"
    with pytest.raises(NotImplementedError, match=words):
        of("AdamW", [p])


def test_devices_that_are_not_supported():
    p = torch.zeros(3, device="meta", requires_grad=True)
    words = "parameter 0 of group 0 is on meta; .* on cpu: step the others with torch.optim"
    with pytest.raises(ravine.UnsupportedError, match=words):
        of("AdamW", [p])


def test_a_group_that_is_refused_is_not_there():
    (p,) = parameters([1.0, 2.0])
    optimizer = of("AdamW", [p])
    half = torch.zeros(3, dtype=torch.bfloat16, requires_grad=True)
    half.grad = torch.zeros_like(half)
    with pytest.raises(ravine.UnsupportedError, match="parameter 0 of group 1 is torch.bfloat16"):
        optimizer.add_param_group({"params": [half]})
    assert len(optimizer.param_groups) == 1
    run(optimizer, [p], 2)
    assert optimizer.state[p]["step"].item() == 2


def test_messages_name_the_parameter():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1).bfloat16())
    with pytest.raises(
        ravine.UnsupportedError, match=r"parameter 2 of group 0 \(1.weight\) is tor"
    ):
        of("AdamW", model.named_parameters())
    model.float()
    optimizer = of("AdamW", model.named_parameters())
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    model[1].bias.grad = torch.ones(1).to_sparse()
    words = r"the gradient of parameter 3 of group 0 \(1.bias\) is sparse; .*sparse=False"
    with pytest.raises(ravine.UnsupportedError, match=words):
        optimizer.step()


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
def test_sparse_gradients():
    table = torch.nn.Embedding(4, 3, sparse=True)
    before = table.weight.detach().clone()
    optimizer = of("SGD", table.parameters())
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(NotImplementedError, match="the gradient of parameter 0 of group 0 is spar"):
        optimizer.step()
    assert torch.equal(table.weight, before)


@pytest.mark.parametrize("key", ["capturable", "differentiable"])
def test_graphs_are_refused(key):
    with pytest.raises(NotImplementedError, match=f"AdamW with {key}=True"):
        of("AdamW", parameters([1.0]), **{key: True})


def test_a_type_that_changed_after_steps():
    (p,) = parameters([1.0, 2.0])
    optimizer = of("Adam", [p])
    run(optimizer, [p], 1)
    p.data = p.data.double()
    p.grad = torch.ones(2, dtype=torch.float64)
    with pytest.raises(ravine.Error, match="parameter 0 of group 0 is not of the type float32"):
        optimizer.step()


def test_foreach_and_fused_do_not_matter():
    results = []
    for settings in ({}, {"foreach": True}, {"fused": True}):
        params = parameters([1.0, 2.0])
        run(of("AdamW", params, **settings), params, 3)
        results.append(params[0])
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


# ---- groups and settings -------------------------------------------------------------------------


def test_settings_of_groups():
    a, b = parameters([1.0], [1.0])
    optimizer = of("SGD", [{"params": [a], "lr": 0.25}, {"params": [b]}], lr=0.5, weight_decay=1)
    a.grad, b.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    assert (a.item(), b.item()) == (0.5, 0.0)
    optimizer.param_groups[0]["weight_decay"] = 0
    optimizer.param_groups[1].update(lr=1.0, maximize=True, weight_decay=0)
    optimizer.step()
    assert (a.item(), b.item()) == (0.25, 1.0)


@pytest.mark.parametrize("name", EVERY)
def test_a_tensor_for_lr(name):
    a, b = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    number, tensor = of(name, a, lr=0.125), of(name, b, lr=torch.tensor(0.125))
    for lr in (0.125, 0.25, 0.5):
        number.param_groups[0]["lr"] = lr
        tensor.param_groups[0]["lr"].fill_(lr)  # in place: the same object
        run(number, a, 1)
        run(tensor, b, 1)
    assert torch.equal(a[0], b[0])


def test_a_list_for_betas():
    """A setting that can change and stay the same object."""
    a, b = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    pair, changed = of("AdamW", a, betas=(0.5, 0.75)), of("AdamW", b)
    changed.param_groups[0]["betas"] = [0.5, 0.75]
    for _ in range(3):
        run(pair, a, 1)
        run(changed, b, 1)
    assert torch.equal(a[0], b[0])
    changed.param_groups[0]["betas"][0] = 0.25  # after steps
    pair.param_groups[0]["betas"] = (0.25, 0.75)
    run(pair, a, 1)
    run(changed, b, 1)
    assert torch.equal(a[0], b[0])


@pytest.mark.parametrize("name", EVERY)
def test_a_group_that_comes_later(name):
    a, b = parameters([1.0, 2.0], [3.0])
    optimizer = of(name, [a])
    run(optimizer, [a], 2)
    state = {key: value.clone() for key, value in optimizer.state[a].items()}
    optimizer.add_param_group({"params": [b], "lr": 0.5})
    b.grad = torch.ones(1)
    a.grad = None
    optimizer.step()
    assert b.item() != 3.0 or name == "ADOPT"  # whose first step only looks
    for key, value in state.items():
        assert torch.equal(optimizer.state[a][key], value)
    alone = of(name, c := parameters([1.0, 2.0]))
    run(alone, c, 3)
    give_gradients([a], 2)
    optimizer.step()
    assert torch.equal(a, c[0])


@pytest.mark.parametrize(
    "name, before, after",
    [
        ("AdamW", {"lr": 1e-3, "weight_decay": 10.0}, {"lr": 0.5, "weight_decay": 0.01}),
        ("AdamW", {"lr": 0.5, "weight_decay": 0.01}, {"lr": 1e-3, "weight_decay": 10.0}),
        ("Rprop", {"step_sizes": (1e-6, 50)}, {"step_sizes": (60, 100)}),
        ("Rprop", {"step_sizes": (60, 100)}, {"step_sizes": (1e-6, 50)}),
    ],
)
def test_settings_that_change_together(name, before, after):
    """Legal before and after: no order in which they are passed on is refused."""
    (p,), (q,) = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    ours, theirs = of(name, [p], **before), getattr(torch.optim, name)([q], **before)
    for k, settings in enumerate([before, after, before, after]):
        for optimizer, params in ((ours, [p]), (theirs, [q])):
            optimizer.param_groups[0].update(settings)
            run(optimizer, params, 3, first=3 * k)
        torch.testing.assert_close(p, q)


def test_settings_that_do_not_go_together_change_nothing():
    """Half of a refused change must not stay in the library."""
    (p,), (q,) = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    ours, reference = of("AdamW", [p], lr=0.1), of("AdamW", [q], lr=0.1)
    run(ours, [p], 2)
    run(reference, [q], 2)
    mean = ours.state[p]["exp_avg"]
    give_gradients([p], 2)
    for wrong in ({"lr": 0.5, "weight_decay": 10.0}, {"lr": 0.7, "betas": (0.9, 1.0)}):
        kept = dict(ours.param_groups[0])
        ours.param_groups[0].update(wrong)
        before = p.detach().clone()
        with pytest.raises(ravine.RangeError):
            ours.step()
        assert torch.equal(p, before)
        ours.param_groups[0].update(kept)
    run(ours, [p], 2, first=2)
    run(reference, [q], 2, first=2)
    assert torch.equal(p, q) and ours.state[p]["exp_avg"] is mean


def test_lists_of_parameters_may_change():
    """One exchanged, one more, a group less: what is listed is stepped, from a fresh state."""
    a, b, c = parameters([1.0], [1.0], [1.0])
    optimizer = of("Adam", [{"params": [a]}, {"params": [b]}], lr=0.5)
    run(optimizer, [a, b], 2)
    kept = a.item()
    optimizer.param_groups[0]["params"][0] = c
    run(optimizer, [a, c], 1)
    assert a.item() == kept and abs(c.item() - 1) == pytest.approx(0.5)
    optimizer.param_groups[0]["params"].append(a)
    run(optimizer, [a, c], 1)
    assert a.item() != kept and optimizer.state[c]["step"].item() == 2
    del optimizer.param_groups[1]
    kept = b.item()
    run(optimizer, [a, b, c], 1)
    assert b.item() == kept and optimizer.state[c]["step"].item() == 3


def test_duplicates():
    (p,) = parameters([1.0])
    with pytest.raises(ValueError, match="some parameters appear in more than one"):
        of("SGD", [{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        of("SGD", [p, p])


def test_named_parameters():
    model = torch.nn.Linear(2, 1)
    optimizer = of("AdamW", model.named_parameters())
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()


def test_a_setting_that_needs_other_state():
    """Momentum that is switched on late begins as PyTorch's does."""
    (p,), (q,) = parameters([1.0, 2.0]), parameters([1.0, 2.0])
    ours, theirs = of("SGD", [p], lr=0.5), torch.optim.SGD([q], lr=0.5)
    for optimizer, params in ((ours, [p]), (theirs, [q])):
        run(optimizer, params, 2)
        optimizer.param_groups[0]["momentum"] = 0.5
        run(optimizer, params, 3, first=2)
    torch.testing.assert_close(p, q)
    torch.testing.assert_close(ours.state[p]["momentum_buffer"], theirs.state[q]["momentum_buffer"])
