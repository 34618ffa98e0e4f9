"""Servers' complaints: what each phrasing means."""

import pytest

from r2egym.errors import ContextOverflowError, ModelRequestError
from r2egym.llm.failures import TryAgainError, complaint_of, error_of, redact
from r2egym.settings import Secret

OVERFLOWS = [
    (400, '{"error": {"message": "too long", "code": "context_length_exceeded"}}'),
    (400, '{"error": {"message": "Your input exceeds the context window of this model."}}'),
    (
        400,
        '{"object": "error", "message": "This model\'s maximum context length is 4096 tokens.", "code": 400}',
    ),
    (
        400,
        '{"error": {"message": "The decoder prompt (length 5000) is longer than the maximum model length of 4"}}',
    ),
    (400, '{"message": "The input (9 tokens) is longer than the model\'s context length (8 tokens)."}'),
    (400, '{"error": {"code": 400, "type": "exceed_context_size_error", "message": "n"}}'),
    (400, '{"error": {"message": "the request exceeds the available context size, try increasing it"}}'),
    (
        500,
        '{"error": {"message": "the request exceeds the available context size. try increasing the context"}}',
    ),
    (
        400,
        '{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 2 > 1"}}',
    ),
    (400, '{"error": {"message": "input length and `max_tokens` exceed context limit: 5 + 5 > 9"}}'),
    (413, '{"error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}}'),
    (422, '{"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096", "x": 1}'),
    (400, '{"error": {"message": "The input token count (1200000) exceeds the maximum number of tokens"}}'),
]


@pytest.mark.parametrize(("status", "text"), OVERFLOWS)
def test_overflow_is_recognised(status: int, text: str):
    """Each server's way of saying that the conversation is too long is understood."""
    assert isinstance(error_of(complaint_of(status, text, {}, 0)), ContextOverflowError)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (429, '{"error": {"message": "Request too large: the maximum context length per minute"}}'),
        (503, "the request exceeds the available context size"),
    ],
)
def test_busy_is_no_overflow(status: int, text: str):
    """A busy server may speak of lengths, and yet be asked again."""
    assert isinstance(error_of(complaint_of(status, text, {}, 0)), TryAgainError)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"detail": "Not Found"}', "404: Not Found"),
        ('{"error": "model \'x\' not found"}', "404: model 'x' not found"),
        ("<html><h1>Not here</h1></html>", "404:  Not here"),
        ("", "404"),
        ("[" * 100_000, "404: [["),
        ('{"error": {"message": {"deep": 1}}}', '404: {"deep": 1}'),
    ],
)
def test_any_form_of_error(text: str, told: str):
    """Whatever form an error has, its words are found."""
    error = error_of(complaint_of(404, text, {}, 0))
    assert isinstance(error, ModelRequestError)
    assert " ".join(str(error).split()).startswith(" ".join(told.split()))


def test_redaction():
    """One line is left, bounded, without our key or anything that looks like one."""
    text = redact(
        "bad key: s3cret-s3cret\nAuthorization: Bearer abc.def, sk-proj-12*****89 " + "x" * 9999,
        [Secret("s3cret-s3cret"), Secret("x" * 3)],
    )
    assert text.startswith("bad key: *** Authorization: *** *** xxx")
    assert len(text) < 500
