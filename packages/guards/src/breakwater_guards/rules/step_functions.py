"""AWS Step Functions: definitions whose states lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.json_values import from_json
from breakwater_guards.model.values import Text
from breakwater_guards.reading.files import mapping
from breakwater_guards.rule import Breach, Outcome, breach, rule

MACHINES = {
    "AWS::Serverless::StateMachine": ("Definition",),
    "AWS::StepFunctions::StateMachine": ("DefinitionString", "Definition"),
}
# The types of states after which another one comes, unless they say End.
GOES_ON = frozenset({"Map", "Parallel", "Pass", "Task", "Wait"})
MAX_DEPTH = 30


@rule(
    "DR-STEPS-01",
    title="Each state of a state machine leads to a state that is there",
    outcome=Outcome.REFUSED,
    prevents="Invalid State Machine Definition: MISSING_TRANSITION_TARGET: Missing 'Next' target: Verify; "
    "SCHEMA_VALIDATION_FAILED (InvalidDefinition)",
    fix="Name a state of the same level in StartAt, Next, Default and Catch, and end the others with End: true.",
    sources=(
        "https://docs.aws.amazon.com/step-functions/latest/dg/state-machine-structure.html",
        "https://states-language.net/spec.html",
        "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
    ),
)
def states_lead_to_states(app: Assembly) -> Iterator[Breach]:
    """Find a StartAt, Next, Default or Catch that names no state beside it, or a state with neither Next nor End."""
    for kind, paths in MACHINES.items():
        for machine in app.of_type(kind):
            for path in paths:
                for value in machine.given(path):
                    definition = from_json(value) if isinstance(value, str | Text) else value
                    for problem in dict.fromkeys(_problems(definition, 0)):
                        yield breach(machine, path, problem)


def _problems(level: Any, depth: int) -> Iterator[str]:
    """Yield what is wrong with the states of one level and of those inside; nothing where a state is not known."""
    states = mapping(level).get("States")
    if not isinstance(states, dict) or not states or depth > MAX_DEPTH or not all(map(_is_state, states.values())):
        return
    start = mapping(level).get("StartAt")
    if isinstance(start, str) and start not in states:
        yield f"StartAt is {start!r}; allowed: {', '.join(states)}."
    for name, state in states.items():
        for how, target in _targets(state):
            if isinstance(target, str) and target not in states:
                yield f"{how} of {name} is {target!r}; allowed: {', '.join(states)}."
        if state["Type"] in GOES_ON and "Next" not in state and "End" not in state:
            yield f"{name} has neither Next nor End."
        for inner in (*_list(state.get("Branches")), state.get("ItemProcessor"), state.get("Iterator")):
            yield from _problems(inner, depth + 1)


def _is_state(state: Any) -> bool:
    return isinstance(state, dict) and isinstance(state.get("Type"), str)


def _targets(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for how in ("Next", "Default"):
        if how in state:
            yield how, state[how]
    for how in ("Choices", "Catch"):
        yield from ((how, entry.get("Next")) for entry in _list(state.get(how)) if isinstance(entry, dict))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
