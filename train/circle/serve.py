"""The lightest server that gives log probabilities: one model of transformers behind OpenAI's chat protocol, on loopback.

    python train/circle/serve.py MODEL [--port 8000] [--max-tokens 512]

It answers one request at a time, greedily at temperature 0, and tells
of every token of its answer, the end of the turn included, the log probability and the likeliest others. vLLM does all of that
for larger models, and the client does not see a difference.
"""

from __future__ import annotations

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


class Served:
    """A model and its tokenizer."""

    def __init__(self, folder: Path, most: int) -> None:
        self.name = folder.name
        self._most = most
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._end = self._tokenizer.convert_tokens_to_ids("<|im_end|>")
        self._context = self._model.config.max_position_embeddings
        self._lock = threading.Lock()

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of a chat completion. Raises ValueError: the conversation is longer than the context."""
        text = self._tokenizer.apply_chat_template(
            body["messages"], tokenize=False, add_generation_prompt=True
        )
        prompt = self._tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        room = self._context - prompt.shape[1]
        if room < 1:
            raise ValueError(
                f"maximum context length is {self._context} tokens, and this has {prompt.shape[1]}"
            )
        asked = body.get("max_tokens") or body.get("max_completion_tokens") or self._most
        with self._lock, torch.inference_mode():
            tokens = self._generate(
                prompt,
                min(room, asked),
                float(body.get("temperature") or 0.0),
                body.get("seed"),
                int(body.get("top_logprobs") or 0),
            )
        ended = tokens[-1]["id"] == self._end
        ids = [one["id"] for one in tokens[: len(tokens) - ended]]
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": self._tokenizer.decode(ids)},
            "finish_reason": "stop" if ended else "length",
        }
        if body.get("logprobs"):
            told = [{name: one[name] for name in ("token", "logprob", "top_logprobs")} for one in tokens]
            choice["logprobs"] = {"content": told}
        return {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "created": 0,
            "model": self.name,
            "choices": [choice],
            "usage": {
                "prompt_tokens": prompt.shape[1],
                "completion_tokens": len(tokens),
                "total_tokens": prompt.shape[1] + len(tokens),
            },
        }

    def _generate(
        self, prompt: torch.Tensor, most: int, temperature: float, seed: int | None, top: int
    ) -> list[dict[str, Any]]:
        generator = torch.Generator().manual_seed(seed) if seed is not None else None
        found: list[dict[str, Any]] = []
        given, cache = prompt, None
        while len(found) < most:
            out = self._model(given, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = out.past_key_values
            logprobs = torch.log_softmax(out.logits[0, -1].float(), dim=-1)
            if temperature > 0:
                weights = torch.softmax(out.logits[0, -1].float() / temperature, dim=-1)
                chosen = int(torch.multinomial(weights, 1, generator=generator))
            else:
                chosen = int(logprobs.argmax())
            found.append(
                {**self._told(chosen, logprobs), "id": chosen, "top_logprobs": self._top(logprobs, top)}
            )
            if chosen == self._end:
                break
            given = torch.tensor([[chosen]])
        return found

    def _top(self, logprobs: torch.Tensor, count: int) -> list[dict[str, Any]]:
        return [self._told(int(one), logprobs) for one in logprobs.topk(count).indices] if count else []

    def _told(self, token: int, logprobs: torch.Tensor) -> dict[str, Any]:
        return {"token": self._tokenizer.decode([token]), "logprob": float(logprobs[token])}


def handler(served: Served) -> type[BaseHTTPRequestHandler]:
    """What answers requests for a model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": [{"id": served.name, "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                self._send(200, served.complete(body))
            except ValueError as error:
                told = {
                    "message": str(error),
                    "code": "context_length_exceeded",
                    "type": "invalid_request_error",
                }
                self._send(400, {"error": told})

        def _send(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--max-tokens", type=int, default=512, help="of an answer, where a request has no bound"
    )
    given = parser.parse_args()
    served = Served(given.model, given.max_tokens)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), handler(served))
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
