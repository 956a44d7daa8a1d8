"""Runs inside a workspace: each official SDK, plain, streamed and with a tool; prints the usage.

One line of JSON: a list of [wire format, manner, words, input tokens, output tokens] as each
SDK reads the reply, in the order of the calls.
"""

import json
import sys

import anthropic
import openai

ASK = [{"role": "user", "content": "How many retries?"}]
WRITE = [{"role": "user", "content": "Please write the backoff."}]
SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
    "required": ["path", "content"],
}
MODEL = "stand-in-1"
seen: list[list[object]] = []


def with_messages() -> None:
    """Anthropic's SDK, configured by the environment alone."""
    client = anthropic.Anthropic(max_retries=0)
    more = {"model": MODEL, "max_tokens": 500}
    plain = client.messages.create(messages=ASK, **more)
    note("anthropic", "plain", plain.content[0].text, anthropic_usage(plain.usage))
    with client.messages.stream(messages=ASK, **more) as stream:
        words = "".join(stream.text_stream)
        final = stream.get_final_message()
    note("anthropic", "streamed", words, anthropic_usage(final.usage))
    tools = [{"name": "write_file", "input_schema": SCHEMA}]
    asked = client.messages.create(messages=WRITE, tools=tools, **more)
    call = asked.content[-1]
    note("anthropic", "tool", call.input["content"], anthropic_usage(asked.usage))
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "written"}
    said = [
        *WRITE,
        {"role": "assistant", "content": [block.model_dump() for block in asked.content]},
        {"role": "user", "content": [result]},
    ]
    done = client.messages.create(messages=said, tools=tools, **more)
    note("anthropic", "tool-result", done.content[0].text, anthropic_usage(done.usage))


def anthropic_usage(usage: anthropic.types.Usage) -> tuple[int, int]:
    """In and out; what was cached is not in `input_tokens`."""
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return usage.input_tokens + cached, usage.output_tokens


def with_responses(client: openai.OpenAI) -> None:
    """OpenAI's SDK, Responses."""
    plain = client.responses.create(model=MODEL, input=ASK)
    note("responses", "plain", plain.output_text, responses_usage(plain.usage))
    with client.responses.stream(model=MODEL, input=ASK) as stream:
        events = list(stream)
        final = stream.get_final_response()
    words = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    note("responses", "streamed", words, responses_usage(final.usage))
    tools = [{"type": "function", "name": "write_file", "parameters": SCHEMA, "strict": False}]
    asked = client.responses.create(model=MODEL, input=WRITE, tools=tools)
    call = asked.output[-1]
    written = json.loads(call.arguments)["content"]
    note("responses", "tool", written, responses_usage(asked.usage))
    said = [
        *WRITE,
        *(item.model_dump(exclude_none=True) for item in asked.output),
        {"type": "function_call_output", "call_id": call.call_id, "output": "written"},
    ]
    done = client.responses.create(model=MODEL, input=said, tools=tools)
    note("responses", "tool-result", done.output_text, responses_usage(done.usage))


def responses_usage(usage: openai.types.responses.ResponseUsage) -> tuple[int, int]:
    """In and out."""
    return usage.input_tokens, usage.output_tokens


def with_chat(client: openai.OpenAI) -> None:
    """OpenAI's SDK, Chat Completions; a stream that does not ask for usage sees none."""
    plain = client.chat.completions.create(model=MODEL, messages=ASK)
    note("chat", "plain", plain.choices[0].message.content, chat_usage(plain.usage))
    chunks = list(client.chat.completions.create(model=MODEL, messages=ASK, stream=True))
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    note("chat", "streamed", words, (0, 0))
    function = {"name": "write_file", "parameters": SCHEMA}
    tools = [{"type": "function", "function": function}]
    asked = client.chat.completions.create(model=MODEL, messages=WRITE, tools=tools)
    message = asked.choices[0].message
    call = message.tool_calls[0]
    note("chat", "tool", json.loads(call.function.arguments)["content"], chat_usage(asked.usage))
    result = {"role": "tool", "tool_call_id": call.id, "content": "written"}
    said = [*WRITE, message.model_dump(exclude_none=True), result]
    done = client.chat.completions.create(model=MODEL, messages=said, tools=tools)
    note("chat", "tool-result", done.choices[0].message.content, chat_usage(done.usage))


def chat_usage(usage: openai.types.CompletionUsage) -> tuple[int, int]:
    """In and out."""
    return usage.prompt_tokens, usage.completion_tokens


def note(form: str, manner: str, words: str, usage: tuple[int, int]) -> None:
    """Keep what a call gave."""
    seen.append([form, manner, words, *usage])


if __name__ == "__main__":
    with_messages()
    with openai.OpenAI(max_retries=0) as both:
        with_responses(both)
        with_chat(both)
    sys.stdout.write(json.dumps(seen) + "\n")
