"""A stand-in for a judge, so that the guide can be followed without a model: a server on loopback that speaks OpenAI's protocol.

    python examples/verifiers/judge.py 8123

It knows nothing of programming. It looks at the last change it is shown and says NO to an empty one, to one that only adds
comments and to one that brings a conftest.py; about any other it is rather sure of YES, more so the more lines were added. Put a real
model in its place: --model vllm/ORG/MODEL --base-url http://localhost:8000/v1.
"""

# ruff: noqa: INP001, PLR2004 -- a script

import http.server
import json
import math
import sys


def chance(question: str) -> float:
    """How likely it finds YES."""
    change = question.rpartition("=== the final change")[2]
    added = [
        line[1:].strip()
        for line in change.splitlines()
        if line.startswith("+") and not line.startswith("+++")
    ]
    code = [line for line in added if line and not line.startswith("#")]
    if not code or "conftest.py" in change:
        return 0.04
    return 0.5 + 0.45 * len(code) / (len(code) + 3)


def answer(question: str) -> dict:
    """A chat completion with log probabilities, as a tokenizer might split it."""
    yes = chance(question)
    word = "YES" if yes >= 0.5 else "NO"
    top = [{"token": "YES", "logprob": math.log(yes)}, {"token": "NO", "logprob": math.log(1 - yes)}]
    tokens = ["<", "jud", "gement", ">", word, "</", "jud", "gement", ">"]
    content = [
        {"token": token, "logprob": 0.0, "top_logprobs": top if token == word else []} for token in tokens
    ]
    message = {"role": "assistant", "content": "".join(tokens)}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": content}}
    return {"id": "judge", "object": "chat.completion", "created": 0, "model": "judge", "choices": [choice]}


class Judge(http.server.BaseHTTPRequestHandler):
    """Answers every question."""

    def do_POST(self) -> None:
        """A chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        data = json.dumps(answer(body["messages"][-1]["content"])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Judge).serve_forever()
