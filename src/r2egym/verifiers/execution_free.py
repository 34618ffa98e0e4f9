"""The execution-free verifier: a model reads what an agent did and says how likely the patch is right.

s_EF = P(YES) / (P(YES) + P(NO)) at the token that decides. A server without log probabilities is asked several times with
temperature instead, and the share of YES counts; the verdict says which it was (``how``). Where neither word is seen the score is
unknown, which is neither 0.5 nor an error.
"""

from __future__ import annotations

from r2egym.errors import ContextOverflowError, EmptyAnswerError, ModelError, ModelRequestError, RefusalError
from r2egym.llm import Model
from r2egym.records import Failure, Request, Verdict, content_hash
from r2egym.verifiers.deciding import decide, find
from r2egym.verifiers.judge import JudgeOptions, ask
from r2egym.verifiers.views import Candidate

NAME = "execution-free"
_LIKELY = 20
"""Tokens in each place that a server is asked for; more than most give."""
_SHORTER = 3
"""How often a question that is too long for the model is asked again with half the budget."""


def terms_of(model: str, options: JudgeOptions) -> str:
    """What its verdicts depend on beside the attempt."""
    return content_hash({"verifier": NAME, "model": model, "options": options.model_dump(mode="json")})


def judge(candidate: Candidate, model: Model, options: JudgeOptions) -> Verdict:
    """The verdict on one attempt.

    Raises:
        ModelRequestError: the server refuses what it is asked as such, so that asking about another is of no use.
    """
    verdict = Verdict(
        instance_id=candidate.instance_id,
        attempt=candidate.attempt,
        identity=candidate.identity,
        verifier=NAME,
        terms=terms_of(model.name, options),
        patch=content_hash(candidate.patch),
    )
    try:
        return verdict.model_copy(update=_asked(candidate, model, options))
    except ModelRequestError:
        raise
    except (RefusalError, EmptyAnswerError, ContextOverflowError) as error:
        return verdict.model_copy(update={"note": _line(error)})
    except ModelError as error:
        failure = Failure(boundary="model", cause=_line(error))
        return verdict.model_copy(update={"failure": failure, "note": _line(error)})


def _asked(candidate: Candidate, model: Model, options: JudgeOptions) -> dict[str, object]:
    """The fields of the verdict, the question made shorter until it fits."""
    for shorter in range(_SHORTER + 1):
        budget = options.budget >> shorter
        messages = ask(candidate, options.model_copy(update={"budget": budget}), model.name)
        request = Request(messages=messages, max_tokens=options.max_tokens, logprobs=_LIKELY)
        try:
            answer = model.complete(request)
        except ContextOverflowError:
            if shorter == _SHORTER:
                raise
            continue
        if answer.logprobs:
            decision = decide(answer.logprobs)
            if decision is None:
                return {"how": "logprobs", "note": f"no verdict in the answer: {answer.text[:120]!r}"}
            return {
                "how": "logprobs",
                "score": decision.score,
                "details": {"yes": decision.yes, "no": decision.no},
            }
        return _voted(model, request, options)
    raise AssertionError  # the loop returns or raises


def _voted(model: Model, request: Request, options: JudgeOptions) -> dict[str, object]:
    """Ask several times, and count."""
    if not options.votes:
        return {"note": "the server gives no log probabilities, and no votes were asked for"}
    votes = {"YES": 0, "NO": 0, "": 0}
    for number in range(options.votes):
        again = request.model_copy(
            update={"temperature": options.temperature, "seed": number, "logprobs": None}
        )
        found = find(model.complete(again).text)
        votes[found.word if found else ""] += 1
    seen = votes["YES"] + votes["NO"]
    return {
        "how": "votes",
        "score": votes["YES"] / seen if seen else None,
        "details": {"yes": votes["YES"], "no": votes["NO"], "neither": votes[""]},
        "note": "" if seen else "no verdict in any answer",
    }


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:500] or type(error).__name__
